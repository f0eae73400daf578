/**
 * What is to be sent as a message body, in the one form that both the client's requests and the server's replies take.
 *
 * This file decides what counts as a body and how each kind is sent: with which length, which `Content-Type`, and
 * whether it can be sent again for a retry or a redirect. What is in memory already stays in one piece; everything else
 * is pulled.
 */

import type { ReadableStream as WebReadableStream } from "node:stream/web";
import { UsageError } from "../errors.js";
import type { ContentCoding } from "./content-coding.js";
import { cancelQuietly } from "./sending/cancel-quietly.js";
import { FactoryPayload } from "./sending/factory-payload.js";
import {
  type FileHandleLike,
  isFileHandle,
  isNodeReadable,
  type NodeReadableLike,
  remainingFileBytes,
} from "./sending/file-like.js";
import { type FormDataLike, isFormData } from "./sending/form-data.js";
import type { PayloadSource } from "./sending/payload-reader.js";
import { SizedPieces } from "./sending/sized-pieces.js";
import { SourcePayload } from "./sending/source-payload.js";
import { WebStreamPieces } from "./sending/web-stream-pieces.js";
import { WholePayload } from "./sending/whole-payload.js";
import { encodeForm, type FormInput } from "./urlencoded.js";

/**
 * A payload says how long it is (if that is known), what it is, and gives its bytes once, or as often as asked if it
 * can.
 */
export interface Payload {
  /** Exact bytes, or undefined: chunked (or until close, to HTTP/1.0). */
  readonly length: number | undefined;
  /** `Content-Type` to send when the caller gave none. */
  readonly contentType: string | undefined;
  /** Whether `open` may be called again for a retry or a redirect that keeps the body. */
  readonly replayable: boolean;
  /** The whole body when it is in memory already: small ones leave in one write with the head. A string is UTF-8. */
  readonly whole: Uint8Array | string | undefined;
  /** The pieces, pulled one at a time. Ending the iteration early releases the source. */
  open(): AsyncIterable<Uint8Array>;
  /** Releases a source that will never be opened. */
  discard(): void;
  /**
   * Takes back a piece, just as it was given, that nobody looks at any more: it may be filled again. Whoever reads need not give
   * anything back.
   */
  takeBack?(piece: Uint8Array): void;
  /** The coding that has been applied to it, to be said in `Content-Encoding` (RFC 9110 §8.4). */
  readonly contentEncoding?: ContentCoding | undefined;
  /** No other `Content-Type` than its own can be sent with it: it names the boundary. */
  readonly ownsType?: boolean | undefined;
  /** Of a body that can be sent once: that this has not begun. Undefined: nobody can tell. */
  readonly untouched?: boolean;
  /** Fields behind the last chunk. Only for a payload of unknown length: others have no place for them (RFC 9112 §7.1.2). */
  readonly trailers?: PayloadTrailers;
  /** The same body without its trailers, for who has no use for them. */
  readonly plain?: Payload;
  /** The connection is to end after this body: one that would go on until its reader leaves comes to an end now. */
  endSoon?(): void;
}

/** The trailer section of a body (RFC 9110 §6.5). */
export interface PayloadTrailers {
  /** The names to announce in `Trailer`, as far as they are known before the body is sent (RFC 9110 §6.6.2). */
  readonly names: readonly string[];
  /** The field lines: name, value, name, value. Called when all of the body has been read, once for each send. */
  make(): readonly string[] | Promise<readonly string[]>;
  /** Of an answer: to be sent to clients as well that have not said that they take trailers. */
  readonly unasked?: boolean;
}

/** One piece of a streamed body; a string is sent as UTF-8. */
export type BodyPiece = string | Uint8Array | ArrayBuffer | DataView;

/** What can be sent as it is. Streams and iterables are sent once, the others as often as needed. */
export type PlainBodyInput =
  | BodyPiece
  | Blob
  | URLSearchParams
  | FormDataLike
  | Iterable<BodyPiece>
  | AsyncIterable<BodyPiece>
  | WebReadableStream<Uint8Array>
  | NodeReadableLike
  | FileHandleLike;

/** What can be sent, or a function that makes it: called for each send, so that a stream can be sent again. */
export type BodyInput = PlainBodyInput | (() => PlainBodyInput);

/** What the layer above lends to this one. */
export interface PayloadTools {
  /**
   * The size in bytes of the regular file at a path or behind a descriptor, or undefined if it has none worth
   * believing. Without it files are sent chunked.
   */
  readonly fileSize?: (file: string | Uint8Array | number) => number | undefined;
  /** Makes a payload of a form with files. Without it `FormData` is refused. */
  readonly multipart?: (form: FormDataLike) => Payload;
}

const TEXT_TYPE = "text/plain;charset=UTF-8";
const FORM_TYPE = "application/x-www-form-urlencoded;charset=UTF-8";
const EXPECTED =
  "a string, bytes, Blob, URLSearchParams, FormData, stream, iterable, file handle, or a function that makes one of them";
const NO_TOOLS: PayloadTools = {};

/**
 * The payload of a body given by a user. Bytes are not copied and must not change until they are sent; a file handle
 * stays open and is its owner's to close. Throws `UsageError` `body/unknown-kind` for anything that is not a body,
 * `body/stream-used` for a stream that is locked, destroyed or at its end.
 */
export function toPayload(value: BodyInput, tools: PayloadTools = NO_TOOLS): Payload {
  if (typeof value === "string") return new WholePayload(value, TEXT_TYPE);
  if (typeof value === "function") return new FactoryPayload(value, (made) => plainPayload(made, tools));
  return plainPayload(value, tools);
}

/**
 * The JSON text of a value (RFC 8259), as `JSON.stringify` makes it. Throws `UsageError` `body/not-json` for what has
 * none: undefined, functions, symbols, cycles, bigints. `stringify`: in place of `JSON.stringify`.
 */
export function jsonPayload(value: unknown, stringify: (value: unknown) => string = JSON.stringify): Payload {
  let text: unknown;
  try {
    text = stringify(value);
  } catch (error) {
    const which = stringify === JSON.stringify ? "JSON.stringify" : "the function given for it";
    throw new UsageError("body/not-json", `Cannot send as JSON: ${which} failed, see the cause`, { cause: error });
  }
  if (typeof text !== "string")
    throw new UsageError("body/not-json", `Cannot send as JSON: ${typeof value} has no JSON form`);
  return new WholePayload(text, "application/json");
}

/** The fields of a form as `application/x-www-form-urlencoded`; see {@link encodeForm} for what is accepted. */
export function formPayload(fields: FormInput): Payload {
  return new WholePayload(encodeForm(fields), FORM_TYPE);
}

function plainPayload(value: unknown, tools: PayloadTools): Payload {
  if (typeof value === "string") return new WholePayload(value, TEXT_TYPE);
  if (typeof value !== "object" || value === null) throw unknownKind(value);
  if (value instanceof Uint8Array) return new WholePayload(value, undefined);
  if (ArrayBuffer.isView(value)) {
    return new WholePayload(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), undefined);
  }
  if (value instanceof ArrayBuffer) return new WholePayload(new Uint8Array(value), undefined);
  if (value instanceof URLSearchParams) return new WholePayload(value.toString(), FORM_TYPE);
  if (value instanceof Blob) return blobPayload(value);
  if (isFormData(value)) return formDataPayload(value, tools);
  return new SourcePayload(sourceOf(value, tools));
}

function formDataPayload(form: FormDataLike, tools: PayloadTools): Payload {
  if (tools.multipart !== undefined) return tools.multipart(form);
  throw new UsageError("body/unknown-kind", "Cannot send FormData here: multipart bodies are for a client's requests");
}

function blobPayload(blob: Blob): Payload {
  return new SourcePayload({
    length: blob.size,
    contentType: blob.type === "" ? undefined : blob.type,
    replayable: true,
    open: () => new WebStreamPieces(blob.stream()),
    discard() {},
  });
}

/** How to get at the pieces of anything that is not in memory as one. The order matters: streams are iterables too. */
function sourceOf(value: object, tools: PayloadTools): PayloadSource {
  if (isNodeReadable(value)) return nodeSource(value, tools);
  if (isKind(value, "ReadableStream")) return webSource(value as ReadableStream);
  if (isFileHandle(value)) return handleSource(value, tools);
  if (Array.isArray(value)) return { ...ONCE, replayable: true, open: () => value };
  if (value instanceof SizedPieces) {
    const { length, takeBack } = value;
    return { ...ONCE, length, replayable: true, open: () => value, ...(takeBack === undefined ? {} : { takeBack }) };
  }
  if (Symbol.asyncIterator in value) return { ...ONCE, open: () => value as AsyncIterable<unknown> };
  if (Symbol.iterator in value) return { ...ONCE, open: () => value as Iterable<unknown> };
  throw unknownKind(value);
}

/** By its tag: naming the class would load Node's own fetch with it, and miss another realm's. */
function isKind(value: object, tag: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${tag}]`;
}

const ONCE = { length: undefined, contentType: undefined, replayable: false, discard() {} } as const;

function nodeSource(stream: NodeReadableLike, tools: PayloadTools): PayloadSource {
  if (stream.destroyed || stream.readableEnded) throw used("the stream is destroyed or at its end");
  // The stream is ours from now on: it may fail before it is opened, and an "error" event nobody listens to ends the
  // process. Whoever iterates gets the error as well.
  stream.on("error", () => {});
  return {
    ...ONCE,
    length: remainingFileBytes(stream, tools.fileSize),
    open: () => stream,
    discard: () => {
      stream.destroy();
    },
  };
}

function webSource(stream: WebReadableStream<unknown>): PayloadSource {
  if (stream.locked) throw used("the stream is locked to another reader");
  return {
    ...ONCE,
    open: () => new WebStreamPieces(stream),
    discard: () => {
      // Locked: it has been opened, and its reader does the cancelling.
      if (!stream.locked) cancelQuietly(stream).catch(() => undefined);
    },
  };
}

function handleSource(handle: FileHandleLike, tools: PayloadTools): PayloadSource {
  return {
    ...ONCE,
    length: tools.fileSize?.(handle.fd),
    replayable: true,
    open: () => handle.createReadStream({ start: 0, autoClose: false }),
  };
}

function used(why: string): UsageError {
  return new UsageError("body/stream-used", `Cannot send this body: ${why}`);
}

function unknownKind(value: unknown): UsageError {
  const kind =
    typeof value === "object" && value !== null ? (value.constructor?.name ?? "an object") : String(typeof value);
  const advice = kind === "Object" ? "; use json or form for plain objects" : "";
  return new UsageError(
    "body/unknown-kind",
    `Cannot send ${value === null ? "null" : kind} as a body: expected ${EXPECTED}${advice}`,
  );
}
