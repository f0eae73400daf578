/**
 * The unfinished file and its record on the disk: `name.part` and `name.part.json` beside what is to become `name`.
 *
 * One rule holds all of it: the record never claims a byte that is not on the disk. So it is written in this order, always: bytes, sync of
 * the bytes, a new record beside the old one, its sync, its renaming over the old one. A crash anywhere in between leaves a record that
 * says too little, never too much. When other bytes are to come (another version of the file), the record goes first, and its going is
 * synced, before anything is written. At the end: sync, rename into place, sync of the folder, and then the record goes.
 */

import { sha256 } from "../../../platform/digest.js";
import { type DurableFile, type DurableFiles, replaceText } from "../../../platform/durable-files.js";
import type { RemoteVersion } from "../answers/remote-version.js";
import { type ControlRecord, MOST_CONTROL_BYTES, readControl, writeControl } from "./control-record.js";
import { diskError, noSpace } from "./disk-errors.js";
import { Extents } from "./extents.js";
import type { PartPaths } from "./part-paths.js";

/** Room that is left on a disk, so that it is never our last byte that fills it. */
const SPARE_BYTES = 64 * 1024;

/** See the head of this file. */
export class PartStore {
  readonly paths: PartPaths;
  /** What has been written, synced or not. */
  extents = new Extents();
  readonly #files: DurableFiles;
  #file: DurableFile | undefined;
  #version: RemoteVersion | undefined;
  #trustSize = false;
  #saving: Promise<void> = Promise.resolve();
  #saved = 0;

  constructor(files: DurableFiles, paths: PartPaths) {
    this.#files = files;
    this.paths = paths;
  }

  get controlPath(): string {
    return `${this.paths.part}.json`;
  }

  /** Bytes that the record on the disk claims. */
  get savedBytes(): number {
    return this.#saved;
  }

  /**
   * What an earlier run has left and can be gone on with. `why` names what was found and cannot be; neither is there where nothing was
   * found.
   */
  async found(): Promise<{ readonly record?: ControlRecord; readonly why?: "record" | "part" }> {
    const text = await this.#files.readText(this.controlPath, MOST_CONTROL_BYTES);
    if (text === undefined) return {};
    const record = readControl(text, sha256);
    if (record === undefined) return { why: "record" };
    const part = await this.#files.status(this.paths.part);
    return part?.kind === "file" && part.size >= record.extents.end ? { record } : { why: "part" };
  }

  /** Opens what {@link PartStore.found} found. */
  async resume({ version, trustSize, extents }: ControlRecord): Promise<void> {
    await this.#try("open", async () => {
      this.#file = await this.#files.open(this.paths.part);
    });
    this.extents = extents.copy();
    this.#saved = extents.byteLength;
    this.#version = version;
    this.#trustSize = trustSize;
  }

  /** Begins with nothing, for a file of that version. What was there before is forgotten for good before this resolves. */
  async begin(version: RemoteVersion, trustSize: boolean): Promise<void> {
    this.#version = undefined;
    await this.#saving.catch(() => undefined);
    await this.#try("open", async () => {
      await this.forget();
      this.#file ??= (await this.#files.open(this.paths.part)) ?? (await this.#files.create(this.paths.part));
      await this.#file.truncate(0);
    });
    this.extents = new Extents();
    this.#version = version;
    this.#trustSize = trustSize;
    if (version.size !== undefined) await this.reserve(version.size);
  }

  /** Makes the file so long, which takes no room yet. Throws `SluiceError` `download/no-space` where the disk has none for the rest. */
  async reserve(size: number): Promise<void> {
    const free = await this.#files.freeBytes(this.paths.folder);
    const part = await this.#files.status(this.paths.part);
    const needed = size - Math.min(part?.allocated ?? 0, size);
    if (needed > 0 && needed + SPARE_BYTES > free) throw noSpace(this.paths.target, needed, free);
    await this.#try("lengthen", () => this.#open.truncate(size));
  }

  /** How long the whole is has become known. */
  noteSize(size: number): void {
    if (this.#version !== undefined) this.#version = { ...this.#version, size };
  }

  /** Writes bytes that are of the present version; what is in `extents` afterwards is for the caller to say. */
  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.#try("write", () => this.#open.write([bytes], position));
  }

  read(bytes: Uint8Array, position: number): Promise<number> {
    return this.#try("read", () => this.#open.read(bytes, position));
  }

  /** Records what has been written so far, once it is on the disk. One at a time; rejects with what the disk says. */
  save(): Promise<void> {
    this.#saving = this.#saving.catch(() => undefined).then(() => this.#save());
    return this.#saving;
  }

  /** All is there: puts it in its place, whole and for good, and forgets the rest. `modifiedTime` in milliseconds, if it is known. */
  async finish(size: number, modifiedTime: number | undefined): Promise<void> {
    await this.#saving.catch(() => undefined);
    await this.#try("finish", async () => {
      const file = this.#open;
      if ((await file.size()) !== size) await file.truncate(size);
      if (modifiedTime !== undefined) await file.setModifiedTime(modifiedTime);
      await file.syncAll();
      await this.close();
      await this.#files.rename(this.paths.part, this.paths.target);
      await this.#files.syncFolder(this.paths.folder);
      await this.#files.remove(this.controlPath);
      this.#saved = 0;
    });
  }

  /** Removes what is unfinished: its bytes are of no use to anybody. */
  async discard(): Promise<void> {
    await this.#saving.catch(() => undefined);
    await this.close();
    await this.forget();
    await this.#files.remove(this.paths.part);
    this.extents = new Extents();
  }

  /** Closes it unfinished. Bytes that no record claims are of no use to a later run, and go. */
  async abandon(): Promise<void> {
    if (this.#file === undefined) return;
    if (this.#saved === 0) await this.discard();
    else await this.close();
  }

  /** Removes the record for good: what the part holds is nobody's claim any more. */
  async forget(): Promise<void> {
    this.#saved = 0;
    if ((await this.#files.status(this.controlPath)) === undefined) return;
    await this.#files.remove(this.controlPath);
    await this.#files.syncFolder(this.paths.folder);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  get #open(): DurableFile {
    if (this.#file === undefined) throw diskError("write", this.paths.target, new Error("The file is closed"));
    return this.#file;
  }

  async #save(): Promise<void> {
    const version = this.#version;
    if (version === undefined || this.#file === undefined) return;
    const extents = this.extents.copy();
    if (extents.byteLength === 0) return;
    await this.#try("save the state of", async () => {
      await this.#open.sync();
      const record = writeControl({ version, trustSize: this.#trustSize, extents }, sha256);
      await replaceText(this.#files, this.controlPath, record);
      this.#saved = extents.byteLength;
    });
  }

  async #try<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw diskError(what, this.paths.target, error);
    }
  }
}
