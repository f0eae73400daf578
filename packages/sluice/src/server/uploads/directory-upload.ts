/**
 * One upload in a folder. Its content is written behind what the mark counts, synced, and only then counted; whatever lies behind the
 * mark when it is opened was never promised to anybody and is cut off before the next write.
 */

import { SluiceError } from "../../errors.js";
import { type DurableFile, type DurableFiles, moveToFree } from "../../platform/durable-files.js";
import { writeRecord } from "./record-file.js";
import type { UploadMarkFile } from "./upload-mark.js";
import type { StoredUpload, UploadRecord } from "./upload-store.js";

/** Where an upload lies. */
export interface UploadPlaces {
  readonly files: DurableFiles;
  /** For complete ones. */
  readonly directory: string;
  /** Path of its own files, without their endings. */
  readonly base: string;
}

/** See the head of this file. */
export class DirectoryUpload implements StoredUpload {
  readonly #places: UploadPlaces;
  readonly #mark: UploadMarkFile;
  #record: UploadRecord;
  #part: DurableFile | undefined = undefined;
  #written: number;
  #closed = false;

  constructor(places: UploadPlaces, record: UploadRecord, mark: UploadMarkFile) {
    this.#places = places;
    this.#record = record;
    this.#mark = mark;
    this.#written = mark.mark.offset;
  }

  get record(): UploadRecord {
    return this.#record;
  }

  get offset(): number {
    return this.#mark.mark.offset;
  }

  get touchedAt(): number {
    return this.#mark.mark.touchedAt;
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    this.#part ??= await this.#openPart();
    await this.#part.write(pieces, this.#written);
    for (const piece of pieces) this.#written += piece.byteLength;
  }

  async sync(now: number): Promise<void> {
    if (this.#written > this.offset) await this.#part?.sync();
    await this.#mark.set({ offset: this.#written, touchedAt: now });
  }

  async revert(): Promise<void> {
    this.#written = this.offset;
    await this.#part?.truncate(this.offset);
  }

  async update(record: UploadRecord): Promise<void> {
    await writeRecord(this.#places.files, this.#places.base, record);
    this.#record = record;
  }

  async place(): Promise<string | undefined> {
    const { files, directory, base } = this.#places;
    const target = `${directory}/${this.#record.name}`;
    this.#part ??= await this.#tryOpenPart();
    if (this.#part === undefined) return await this.#placedBefore(target);
    // What an earlier request left behind the mark is not on the disk as cut off yet.
    if ((await this.#part.size()) > this.offset) await this.#part.truncate(this.offset);
    await this.#part.sync();
    if (!(await moveToFree(files, `${base}.part`, target))) return undefined;
    await files.syncFolder(directory);
    return target;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#mark.close();
    await this.#part?.close();
  }

  /** A crash may have come between the move and what is recorded of it; whoever was told of the file may have taken it away. */
  async #placedBefore(target: string): Promise<string> {
    const { files, base } = this.#places;
    if (this.#record.placedAt !== undefined) return target;
    const status = await files.status(target);
    if (status?.kind === "file" && status.size === this.offset) return target;
    const message = `Cannot complete an upload: its ${this.offset} bytes are neither in ${base}.part nor in ${target}`;
    throw new SluiceError("upload/content-lost", message);
  }

  async #openPart(): Promise<DurableFile> {
    const part = await this.#tryOpenPart();
    if (part === undefined) throw contentLost(this.#places.base, 0, this.offset);
    return part;
  }

  /** Its end is where the mark is. */
  async #tryOpenPart(): Promise<DurableFile | undefined> {
    const { files, base } = this.#places;
    const part = await files.open(`${base}.part`);
    if (part === undefined) return undefined;
    try {
      const size = await part.size();
      if (size < this.offset) throw contentLost(base, size, this.offset);
      if (size > this.offset) await part.truncate(this.offset);
    } catch (error) {
      await part.close();
      throw error;
    }
    return part;
  }
}

function contentLost(base: string, size: number, offset: number): SluiceError {
  const message = `Cannot go on with ${base}.part: it has ${size} bytes, and ${offset} were written and synced`;
  return new SluiceError("upload/content-lost", message);
}
