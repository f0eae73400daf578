/**
 * Content codings (RFC 9110 §8.4): which there are, what a `Content-Encoding` field means, and how each is undone. The
 * only file that knows the platform's compression library.
 *
 * What follows the end of the coded data: gzip may have further members (RFC 1952 §2.2) and zero padding, anything else
 * after it is corrupt; zstd may have further frames (RFC 8878 §3.1). After deflate and br, which have no such thing,
 * and after zstd, the rest is ignored, as browsers do. A body of no bytes at all is an empty body, whatever its coding.
 */

import * as zlib from "node:zlib";
import { PayloadError } from "../errors.js";
import { ContentDecoder, DEFAULT_MAX_EXPANSION, type DecodeLimits } from "./coding/content-decoder.js";
import type { CodingStream } from "./coding/decode-stage.js";

/** The registered codings that can be undone (RFC 9110 §8.4.1; br: RFC 7932; zstd: RFC 8878). */
export type ContentCoding = "gzip" | "deflate" | "br" | "zstd";

/**
 * How one coding is undone: at once, or as a stream. `first` are the first bytes of the data, at least 2 unless there
 * are fewer.
 */
export interface CodingTool {
  readonly name: ContentCoding;
  /** Throws when the result has more than `maxOutputBytes`: `ERR_BUFFER_TOO_LARGE`. */
  decodeAtOnce(coded: Uint8Array, maxOutputBytes: number): Uint8Array;
  open(first: Uint8Array): CodingStream;
}

/** More codings on one body than this are refused: nobody has a use for them but to make us work. */
const MAX_CODINGS = 5;
/** Output of one step of a streaming decoder, in bytes. */
const STEP_BYTES = 64 * 1024;
const OPTIONS = { chunkSize: STEP_BYTES };
const NO_CODINGS: readonly ContentCoding[] = Object.freeze([]);

/** What newer versions of Node.js have and our types do not. */
interface ZstdLibrary {
  readonly zstdDecompressSync?: (coded: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
  readonly createZstdDecompress?: (options: { chunkSize: number }) => CodingStream;
}

const TOOLS: ReadonlyMap<string, CodingTool> = new Map([
  ["gzip", gzipTool()],
  ["deflate", deflateTool()],
  ["br", brotliTool()],
  ...zstdTools(zlib as ZstdLibrary),
]);

const ACCEPTED = [...TOOLS.keys()].join(", ");

/** The value of `Accept-Encoding` that names every coding this Node.js can undo (RFC 9110 §12.5.3). */
export function acceptEncoding(): string {
  return ACCEPTED;
}

/**
 * The codings of a `Content-Encoding` field value, in the order in which they were applied; `identity` is none.
 * `x-gzip` is gzip (RFC 9110 §8.4.1.3). Throws `PayloadError`: `body/unknown-coding`, or `body/too-many-codings` beyond
 * 5.
 */
export function codingsOf(fieldValue: string): readonly ContentCoding[] {
  const single = TOOLS.get(fieldValue);
  if (single !== undefined) return [single.name];
  const codings: ContentCoding[] = [];
  for (const part of fieldValue.split(",", MAX_CODINGS * 4)) {
    const name = part.trim().toLowerCase();
    if (name === "" || name === "identity") continue;
    const tool = TOOLS.get(name === "x-gzip" ? "gzip" : name);
    if (tool === undefined) throw unknownCoding(name);
    if (codings.length === MAX_CODINGS) throw tooManyCodings();
    codings.push(tool.name);
  }
  return codings.length === 0 ? NO_CODINGS : codings;
}

/**
 * A decoder that undoes these codings, the last applied first. `codings` as {@link codingsOf} gives them, not empty.
 */
export function decoderFor(codings: readonly ContentCoding[], limits: Partial<DecodeLimits> = {}): ContentDecoder {
  const tools: CodingTool[] = [];
  for (const coding of codings) {
    const tool = TOOLS.get(coding);
    if (tool === undefined) throw unknownCoding(coding);
    tools.unshift(tool);
  }
  const { maxOutputBytes = Number.POSITIVE_INFINITY, maxExpansion = DEFAULT_MAX_EXPANSION } = limits;
  return new ContentDecoder(tools, { maxOutputBytes, maxExpansion });
}

function gzipTool(): CodingTool {
  return {
    name: "gzip",
    decodeAtOnce: (coded, maxOutputLength) => zlib.gunzipSync(coded, { maxOutputLength }),
    open: () => zlib.createGunzip(OPTIONS),
  };
}

/** "deflate" is the zlib format (RFC 9110 §8.4.1.2), but some servers send the bare deflate format, and always have. */
function deflateTool(): CodingTool {
  return {
    name: "deflate",
    decodeAtOnce: (coded, maxOutputLength) =>
      isZlibFormat(coded)
        ? zlib.inflateSync(coded, { maxOutputLength })
        : zlib.inflateRawSync(coded, { maxOutputLength }),
    open: (first) => (isZlibFormat(first) ? zlib.createInflate(OPTIONS) : zlib.createInflateRaw(OPTIONS)),
  };
}

function brotliTool(): CodingTool {
  return {
    name: "br",
    decodeAtOnce: (coded, maxOutputLength) => zlib.brotliDecompressSync(coded, { maxOutputLength }),
    open: () => zlib.createBrotliDecompress(OPTIONS),
  };
}

function zstdTools(library: ZstdLibrary): [string, CodingTool][] {
  const { zstdDecompressSync: atOnce, createZstdDecompress: create } = library;
  if (atOnce === undefined || create === undefined) return [];
  const tool: CodingTool = {
    name: "zstd",
    decodeAtOnce: (coded, maxOutputLength) => atOnce(coded, { maxOutputLength }),
    open: () => create(OPTIONS),
  };
  return [["zstd", tool]];
}

/**
 * The two header bytes of the zlib format (RFC 1950 §2.2): method 8, and a checksum that makes the pair a multiple of
 * 31. Data in the bare format begin so only if an encoder filled the padding of a stored block with just these bits.
 */
function isZlibFormat(data: Uint8Array): boolean {
  const [method = 0, flags = 0] = data;
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
}

function unknownCoding(name: string): PayloadError {
  return new PayloadError(
    "body/unknown-coding",
    `Cannot decode the body: content coding ${JSON.stringify(name)} is not known, only ${ACCEPTED}`,
  );
}

function tooManyCodings(): PayloadError {
  return new PayloadError("body/too-many-codings", `Cannot decode the body: more than ${MAX_CODINGS} content codings`);
}
