/**
 * Uploads in a folder. Complete ones lie in it under their names; what is unfinished lies in `.uploads` below it, three files each: the
 * content (`.part`), how much of it is on the disk (`.mark`) and the record (`.json`). The record is written last when an upload
 * is made and removed first when it goes, so an upload is there exactly when its record is.
 *
 * One process at a time works in a folder.
 */

import { UsageError } from "../../errors.js";
import { type DurableFiles, systemFiles } from "../../platform/durable-files.js";
import { DirectoryUpload } from "./directory-upload.js";
import { readRecord, writeRecord } from "./record-file.js";
import { UploadMarkFile } from "./upload-mark.js";
import type { StoredUpload, UploadRecord, UploadStore } from "./upload-store.js";

const UNFINISHED = ".uploads";
const RECORD = ".json";
const ID = /^[\w-]{1,128}$/;
const OWN_FILE = /^([\w-]+)\.(?:part|mark|json|json\.new)$/;

/** See the head of this file. */
export class DirectoryStore implements UploadStore {
  readonly #directory: string;
  readonly #files: DurableFiles;

  /** `directory` is made if it is not there. `files`: where it lies, for tests. */
  constructor(directory: string, files: DurableFiles = systemFiles) {
    if (typeof directory !== "string" || directory === "") {
      throw new UsageError("options/unknown-value", "Cannot keep uploads: directory has to be a path");
    }
    this.#directory = directory;
    this.#files = files;
  }

  get #folder(): string {
    return `${this.#directory}/${UNFINISHED}`;
  }

  async start(): Promise<void> {
    await this.#files.makeFolder(this.#directory, "shared");
    await this.#files.makeFolder(this.#folder, "private");
    await this.#files.syncFolder(this.#directory);
    const names = new Set(await this.#files.list(this.#folder));
    for (const name of names) {
      const [, id] = OWN_FILE.exec(name) ?? [];
      if (id === undefined) continue;
      if (name.endsWith(".new") || !names.has(id + RECORD)) await this.#files.remove(`${this.#folder}/${name}`);
    }
  }

  async list(): Promise<string[]> {
    const names = await this.#files.list(this.#folder);
    return names.filter((name) => name.endsWith(RECORD)).map((name) => name.slice(0, -RECORD.length));
  }

  async create(record: UploadRecord): Promise<StoredUpload> {
    const base = this.#baseOf(record.id);
    const part = await this.#files.create(`${base}.part`);
    await part.close();
    const markFile = await this.#files.create(`${base}.mark`);
    try {
      const mark = await UploadMarkFile.begin(markFile, { offset: 0, touchedAt: record.createdAt });
      await writeRecord(this.#files, base, record);
      return new DirectoryUpload({ files: this.#files, directory: this.#directory, base }, record, mark);
    } catch (error) {
      await markFile.close();
      throw error;
    }
  }

  async open(id: string): Promise<StoredUpload | undefined> {
    const base = this.#baseOf(id);
    const record = await readRecord(this.#files, base);
    const markFile = record === undefined ? undefined : await this.#files.open(`${base}.mark`);
    if (record === undefined || markFile === undefined) return undefined;
    try {
      const mark = await UploadMarkFile.read(markFile);
      if (mark !== undefined) {
        return new DirectoryUpload({ files: this.#files, directory: this.#directory, base }, record, mark);
      }
    } catch (error) {
      await markFile.close();
      throw error;
    }
    await markFile.close();
    return undefined;
  }

  async remove(id: string): Promise<void> {
    const base = this.#baseOf(id);
    await this.#files.remove(base + RECORD);
    await this.#files.syncFolder(this.#folder);
    await this.#files.remove(`${base}.part`);
    await this.#files.remove(`${base}.mark`);
  }

  freeBytes(): Promise<number> {
    return this.#files.freeBytes(this.#folder);
  }

  /** Ids come from clients as well: one that is none of ours must not lead anywhere. */
  #baseOf(id: string): string {
    if (!ID.test(id)) throw new UsageError("upload/bad-id", `Cannot use ${JSON.stringify(id)} as the id of an upload`);
    return `${this.#folder}/${id}`;
  }
}
