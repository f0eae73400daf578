/**
 * Content codings (RFC 9110 §8.4): which there are, what a `Content-Encoding` field means, how each is done and undone.
 *
 * What follows the end of the coded data: gzip may have further members (RFC 1952 §2.2) and zero padding, anything else
 * after it is corrupt; zstd may have further frames (RFC 8878 §3.1). After deflate and br, which have no such thing,
 * and after zstd, the rest is ignored, as browsers do. A body of no bytes at all is an empty body, whatever its coding.
 */

import { PayloadError, UsageError } from "../errors.js";
import { type CodingTool, ContentDecoder, DEFAULT_MAX_EXPANSION, type DecodeLimits } from "./coding/content-decoder.js";
import type { CodingStream } from "./coding/decode-stage.js";
import { loadZlib, type Zlib } from "./coding/zlib.js";

/** The registered codings that can be undone (RFC 9110 §8.4.1; br: RFC 7932; zstd: RFC 8878). */
export type ContentCoding = "gzip" | "deflate" | "br" | "zstd";

/** What newer versions of Node.js have and our types do not. */
interface ZstdLibrary {
  zstdDecompressSync(coded: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  createZstdDecompress(options: { chunkSize: number }): CodingStream;
  zstdCompressSync(plain: Uint8Array, options: ZstdOptions): Uint8Array;
  zstdCompress(plain: Uint8Array, options: ZstdOptions, coded: CodedCallback): void;
  createZstdCompress(options: ZstdOptions & { chunkSize: number }): EncodingStream;
  readonly constants: Readonly<Record<"ZSTD_c_compressionLevel" | "ZSTD_c_windowLog" | "ZSTD_e_flush", number>>;
}

interface ZstdOptions {
  readonly params: Record<number, number>;
}

type CodedCallback = (error: Error | null, coded: Uint8Array) => void;

/** The part of a zlib stream that coding needs. */
export interface EncodingStream extends AsyncIterable<Uint8Array> {
  /** `coded` is called when the piece has been coded and there is room for another. */
  write(piece: Uint8Array, coded: (error?: Error | null) => void): unknown;
  flush(kind: number): unknown;
  end(): unknown;
  destroy(error?: Error): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** Applies one content coding. */
export interface ContentEncoder {
  readonly coding: ContentCoding;
  encodeAtOnce(plain: Uint8Array): Uint8Array;
  /** The same on another thread. */
  encode(plain: Uint8Array): Promise<Uint8Array>;
  open(): EncodingStream;
  /** Has a stream give out all that was written to it, so that it can be decoded without what comes later. */
  flush(stream: EncodingStream): void;
}

/** How hard an encoder tries. */
export interface EncoderOptions {
  /** As {@link requireLevel} has it. @default the platform's; 5 for br */
  readonly level?: number | undefined;
  /** For many streams at a time, which may be idle for long: br and zstd look back 256 KiB only. @default false */
  readonly lean?: boolean;
}

/** More codings on one body than this are refused: nobody has a use for them but to make us work. */
const MAX_CODINGS = 5;
/** Output of one step of a streaming decoder, in bytes. */
const STEP_BYTES = 64 * 1024;
const OPTIONS = { chunkSize: STEP_BYTES };
/** Brotli's own choice, 11, takes a hundred times as long as gzip; with 5 it is as fast, and still smaller. */
const BROTLI_QUALITY = 5;
/** 256 KiB; br would take some MiB for each stream. */
const LEAN_WINDOW_BITS = 18;
const LEVELS: Readonly<Record<ContentCoding, readonly [least: number, most: number]>> = {
  gzip: [0, 9],
  deflate: [0, 9],
  br: [0, 11],
  zstd: [1, 22],
};
const HAS_ZSTD = process.versions["zstd"] !== undefined;
const NAMES: readonly ContentCoding[] = HAS_ZSTD ? ["gzip", "deflate", "br", "zstd"] : ["gzip", "deflate", "br"];
const ACCEPTED = NAMES.join(", ");

/** Every coding that this Node.js can do and undo. */
export function availableCodings(): readonly ContentCoding[] {
  return NAMES;
}

/** The value of `Accept-Encoding` that names every coding this Node.js can undo (RFC 9110 §12.5.3). */
export function acceptEncoding(): string {
  return ACCEPTED;
}

/**
 * The codings of a `Content-Encoding` field value, in the order in which they were applied; `identity` is none.
 * `x-gzip` is gzip (RFC 9110 §8.4.1.3). Throws `PayloadError`: `body/unknown-coding`, or `body/too-many-codings` beyond
 * five.
 */
export function codingsOf(fieldValue: string): readonly ContentCoding[] {
  const codings: ContentCoding[] = [];
  for (const part of fieldValue.split(",")) {
    const given = part.trim().toLowerCase();
    if (given === "" || given === "identity") continue;
    const name = NAMES.find((known) => known === given || (known === "gzip" && given === "x-gzip"));
    if (name === undefined) throw unknownCoding(given);
    if (codings.length === MAX_CODINGS) throw tooManyCodings();
    codings.push(name);
  }
  return codings;
}

/** A decoder that undoes these codings, the last applied first. `codings` as {@link codingsOf} gives them, not empty. */
export function decoderFor(codings: readonly ContentCoding[], limits: Partial<DecodeLimits> = {}): ContentDecoder {
  const library = loadZlib();
  const tools = codings.map((coding) => toolFor(coding, library)).reverse();
  const { maxOutputBytes = Number.POSITIVE_INFINITY, maxExpansion = DEFAULT_MAX_EXPANSION } = limits;
  return new ContentDecoder(tools, { maxOutputBytes, maxExpansion });
}

/** Throws `UsageError` `options/unknown-value` for a name that is no coding, zstd included where this Node.js has not got it. */
export function requireCoding(name: unknown): asserts name is ContentCoding {
  if (NAMES.some((known) => known === name)) return;
  throw new UsageError("options/unknown-value", `Cannot compress with ${JSON.stringify(name)}: known are ${ACCEPTED}`);
}

/** Throws `UsageError` `options/out-of-range` for a level that `coding` has not: 0 to 9 (gzip, deflate), 11 (br), 1 to 22 (zstd). */
export function requireLevel(coding: ContentCoding, level: number): void {
  const [least, most] = LEVELS[coding];
  if (Number.isInteger(level) && level >= least && level <= most) return;
  throw new UsageError(
    "options/out-of-range",
    `Cannot use level ${level} of ${coding}: expected a whole number from ${least} to ${most}`,
  );
}

/** An encoder for one coding, which has to be one that {@link requireCoding} accepts. */
export function encoderFor(coding: ContentCoding, options: EncoderOptions = {}): ContentEncoder {
  const zlib = loadZlib();
  switch (coding) {
    case "gzip":
    case "deflate":
      return zlibEncoder(coding, options, zlib);
    case "br":
      return brotliEncoder(options, zlib);
    case "zstd":
      return zstdEncoder(options, zlib as unknown as ZstdLibrary);
  }
}

function zlibEncoder(coding: "gzip" | "deflate", { level }: EncoderOptions, zlib: Zlib): ContentEncoder {
  const chosen = level === undefined ? {} : { level };
  const isGzip = coding === "gzip";
  return {
    coding,
    encodeAtOnce: (plain) => (isGzip ? zlib.gzipSync(plain, chosen) : zlib.deflateSync(plain, chosen)),
    encode: (plain) =>
      promised((coded) => (isGzip ? zlib.gzip(plain, chosen, coded) : zlib.deflate(plain, chosen, coded))),
    open: () => (isGzip ? zlib.createGzip({ ...OPTIONS, ...chosen }) : zlib.createDeflate({ ...OPTIONS, ...chosen })),
    flush: (stream) => void stream.flush(zlib.constants.Z_SYNC_FLUSH),
  };
}

function brotliEncoder({ level = BROTLI_QUALITY, lean = false }: EncoderOptions, zlib: Zlib): ContentEncoder {
  const { constants } = zlib;
  const params = { [constants.BROTLI_PARAM_QUALITY]: level };
  const streamed = lean ? { ...params, [constants.BROTLI_PARAM_LGWIN]: LEAN_WINDOW_BITS } : params;
  return {
    coding: "br",
    encodeAtOnce: (plain) => zlib.brotliCompressSync(plain, { params }),
    encode: (plain) => promised((coded) => zlib.brotliCompress(plain, { params }, coded)),
    open: () => zlib.createBrotliCompress({ ...OPTIONS, params: streamed }),
    flush: (stream) => void stream.flush(constants.BROTLI_OPERATION_FLUSH),
  };
}

function zstdEncoder({ level, lean = false }: EncoderOptions, library: ZstdLibrary): ContentEncoder {
  const { constants } = library;
  const params: Record<number, number> = level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level };
  const streamed = lean ? { ...params, [constants.ZSTD_c_windowLog]: LEAN_WINDOW_BITS } : params;
  return {
    coding: "zstd",
    encodeAtOnce: (plain) => library.zstdCompressSync(plain, { params }),
    encode: (plain) => promised((coded) => library.zstdCompress(plain, { params }, coded)),
    open: () => library.createZstdCompress({ ...OPTIONS, params: streamed }),
    flush: (stream) => void stream.flush(constants.ZSTD_e_flush),
  };
}

function promised(start: (coded: CodedCallback) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    start((error, coded) => (error === null ? resolve(coded) : reject(error)));
  });
}

function toolFor(coding: ContentCoding, zlib: Zlib): CodingTool {
  switch (coding) {
    case "gzip":
      return {
        decodeAtOnce: (coded, maxOutputLength) => zlib.gunzipSync(coded, { maxOutputLength }),
        open: () => zlib.createGunzip(OPTIONS),
      };
    case "deflate":
      return deflateTool(zlib);
    case "br":
      return {
        decodeAtOnce: (coded, maxOutputLength) => zlib.brotliDecompressSync(coded, { maxOutputLength }),
        open: () => zlib.createBrotliDecompress(OPTIONS),
      };
    case "zstd":
      return zstdTool(zlib as unknown as ZstdLibrary);
  }
}

/** "deflate" is the zlib format (RFC 9110 §8.4.1.2), but some servers send the bare deflate format, and always have. */
function deflateTool(zlib: Zlib): CodingTool {
  return {
    decodeAtOnce: (coded, maxOutputLength) =>
      isZlibFormat(coded)
        ? zlib.inflateSync(coded, { maxOutputLength })
        : zlib.inflateRawSync(coded, { maxOutputLength }),
    open: (first) => (isZlibFormat(first) ? zlib.createInflate(OPTIONS) : zlib.createInflateRaw(OPTIONS)),
  };
}

function zstdTool(library: ZstdLibrary): CodingTool {
  return {
    decodeAtOnce: (coded, maxOutputLength) => library.zstdDecompressSync(coded, { maxOutputLength }),
    open: () => library.createZstdDecompress(OPTIONS),
  };
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
