/** Bytes in memory, or in a `Blob`, to be uploaded. */

import type { SourcePart, UploadSource, WholeSource } from "../upload-source.js";

/** See the head of this file. */
export class BlobUploadSource implements UploadSource {
  readonly size: number;
  readonly name: string | undefined;
  readonly identity = undefined;
  readonly earliest = 0;
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.#blob = blob;
    this.size = blob.size;
    this.name = "name" in blob && typeof blob.name === "string" && blob.name !== "" ? blob.name : undefined;
  }

  next(start: number, most: number): Promise<SourcePart> {
    const part = this.#blob.slice(start, Math.min(this.size, start + most));
    return Promise.resolve({
      length: part.size,
      bytes: async () => new Uint8Array(await part.arrayBuffer()),
      open: () => part.stream() as unknown as AsyncIterable<Uint8Array>,
    });
  }

  whole(): WholeSource {
    return { length: this.size, open: () => this.#blob.stream() as unknown as AsyncIterable<Uint8Array> };
  }

  assertUnchanged(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
