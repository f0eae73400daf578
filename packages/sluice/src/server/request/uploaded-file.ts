/** A file of a form, received whole: in memory while it is small, in temporary storage otherwise. Its reader sees no difference. */

import { safeFilename } from "../../body/multipart/safe-filename.js";
import { UsageError } from "../../errors.js";
import type { HttpHeaders } from "../../http/headers.js";
import { moveFile, openFile, writeFileAtomically } from "../../platform/files.js";

/** Where the content lies. `temporary`: until the request is answered; `saved`: where the user wanted it. */
export type UploadPlace =
  | { readonly kind: "memory"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "temporary"; readonly path: string }
  | { readonly kind: "saved"; readonly path: string | URL };

/** What a part says of itself. */
export interface UploadHead {
  readonly name: string;
  readonly sentFilename: string;
  readonly type: string;
  readonly headers: HttpHeaders;
}

/** Readable any number of times until the request has been answered; {@link UploadedFile.save} keeps it longer. */
export class UploadedFile implements AsyncIterable<Uint8Array> {
  /** The form field's name. */
  readonly name: string;
  /** The sender's name for the file made safe to use as a name: no path, no device, nothing hidden, never empty. */
  readonly filename: string;
  /** The same as sent. It may be anything: not to be joined to a path, not to be shown unescaped. */
  readonly sentFilename: string;
  /** The media type as sent, `text/plain` if there was none (RFC 7578 §4.4). The sender's claim: nobody has looked. */
  readonly type: string;
  /** The header of its part, immutable. */
  readonly headers: HttpHeaders;
  /** In bytes. */
  readonly size: number;
  #place: UploadPlace;

  /** @internal */
  constructor(head: UploadHead, size: number, place: UploadPlace) {
    this.name = head.name;
    this.filename = safeFilename(head.sentFilename);
    this.sentFilename = head.sentFilename;
    this.type = head.type;
    this.headers = head.headers;
    this.size = size;
    this.#place = place;
  }

  /** The whole content in memory. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const whole = new Uint8Array(this.size);
    let at = 0;
    for await (const piece of this) {
      whole.set(piece, at);
      at += piece.byteLength;
    }
    return whole;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  /** The whole content as text in UTF-8; malformed input becomes U+FFFD. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /** The content in pieces, as a web stream. */
  stream(): ReadableStream<Uint8Array> {
    return ReadableStream.from(this) as ReadableStream<Uint8Array>;
  }

  /**
   * Writes the content to a file, which appears under `path` only when it is complete, replacing any other there, and stays. Resolves
   * to its size in bytes. What lies in temporary storage is moved, which costs nothing on the same file system.
   */
  async save(path: string | URL): Promise<number> {
    const place = this.#place;
    if (place.kind !== "temporary") return await writeFileAtomically(path, this);
    try {
      await moveFile(place.path, path);
    } catch (error) {
      throw this.#explained(error);
    }
    this.#place = { kind: "saved", path };
    return this.size;
  }

  /** The content in pieces of at most 256 KiB that are the reader's. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#place.kind === "memory") {
      if (this.size > 0) yield this.#place.bytes.slice();
      return;
    }
    const file = await openFile(this.#place.path).catch((error: unknown) => Promise.reject(this.#explained(error)));
    try {
      yield* file.slice(0, this.size);
    } finally {
      await file.close();
    }
  }

  /** Says so if the error is that the temporary file is not there any more. */
  #explained(error: unknown): unknown {
    const gone = error instanceof Error && "code" in error && error.code === "ENOENT" && "path" in error;
    if (!gone || this.#place.kind !== "temporary" || error.path !== this.#place.path) return error;
    const message = `Cannot read the upload ${JSON.stringify(this.filename)}: all uploads are gone once the request is answered`;
    return new UsageError("server/upload-gone", message, { cause: error });
  }
}
