/** What is uploaded: bytes that can be read from any place, or a stream that goes by once. */

import { UsageError } from "../../errors.js";

/** What of a source tells one content from another, as far as that can be told cheaply. */
export interface SourceIdentity {
  /** Names the thing, whatever its content is now: a path. */
  readonly key: string;
  /** Changes with the content: size, time of the last change, digest of both ends. */
  readonly version: string;
}

/** Bytes to be uploaded. Whoever opened it closes it. */
export interface UploadSource {
  /** In bytes; undefined for a stream that has not come to its end. */
  readonly size: number | undefined;
  /** The name to give the server; undefined if it has none. */
  readonly name: string | undefined;
  /** Undefined for what is not to be found again in another process. */
  readonly identity: SourceIdentity | undefined;
  /** Where reading can still begin: 0, or for a stream what it keeps for sending again. */
  readonly earliest: number;
  /**
   * Up to `most` bytes from `start` on, ready to be sent. Of a stream these are what has come, and perhaps its end. What comes before
   * `start` will not be asked for again.
   */
  next(start: number, most: number): Promise<SourcePart>;
  /** All of it, for one request: nothing is kept of a stream then. */
  whole(): WholeSource;
  /** Throws `SluiceError` `upload/changed` if the content is not any more what it was when it was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** A part of a source. */
export interface SourcePart {
  readonly length: number;
  /** All of it in memory, to work out a checksum. */
  bytes(): Promise<Uint8Array>;
  /** The bytes, as often as asked. Throws what {@link UploadSource.assertUnchanged} throws before the last of them. */
  open(): AsyncIterable<Uint8Array>;
  /** Where pieces may go back to, just as they were given, when nobody looks at them any more. */
  readonly takeBack?: (piece: Uint8Array) => void;
}

/** A source as the body of one request. */
export interface WholeSource {
  /** Undefined where nobody knows before the end. */
  readonly length: number | undefined;
  /** As often as asked; of a stream once. */
  open(): AsyncIterable<Uint8Array>;
  /** As {@link SourcePart.takeBack}. */
  readonly takeBack?: (piece: Uint8Array) => void;
}

/** What can be uploaded: the path of a file, or bytes that are somewhere else. */
export type UploadInput = string | URL | Uint8Array | Blob | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** How a source is read. */
export interface SourceSizes {
  /** What a stream keeps for sending it again. */
  readonly replayBytes: number;
  /** Of each read of a file. */
  readonly pieceBytes: number;
}

/** Opens what is to be uploaded. */
export async function openSource(input: UploadInput, { replayBytes, pieceBytes }: SourceSizes): Promise<UploadSource> {
  if (typeof input === "string" || input instanceof URL) {
    const { FileUploadSource } = await import("./sources/file-source.js");
    return FileUploadSource.open(input, pieceBytes);
  }
  if (input instanceof Uint8Array || input instanceof Blob) {
    const { BlobUploadSource } = await import("./sources/blob-source.js");
    return new BlobUploadSource(input instanceof Blob ? input : new Blob([input as Uint8Array<ArrayBuffer>]));
  }
  if (typeof input === "object" && input !== null && Symbol.asyncIterator in input) {
    const { StreamUploadSource } = await import("./sources/stream-source.js");
    return new StreamUploadSource(input, replayBytes);
  }
  throw new UsageError("upload/unknown-source", "Cannot upload this: expected a path, bytes, a Blob or a stream");
}
