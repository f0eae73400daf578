/**
 * A disk that remembers every operation, and can be made anew as a power cut after any of them would have left it. What is certain is what
 * POSIX says: bytes of a file that were written before a sync of it, names that were made, moved or removed before a sync of their folder.
 * Of everything later each operation, by itself, has happened or not; a write may have happened in part.
 */
import type { DurableFile, DurableFiles, PathStatus } from "../../src/platform/durable-files.js";

/** What becomes of an operation that was not synced: it is there or it is not; of a write its first half is, or every other sector. */
export type Outcome = "kept" | "dropped" | "torn" | "holed";
export type Fate = (op: Operation) => Outcome;

export type Operation =
  | { readonly type: "create"; readonly path: string; readonly file: number }
  | { readonly type: "link"; readonly path: string; readonly file: number }
  | { readonly type: "rename"; readonly from: string; readonly to: string; readonly file: number }
  | { readonly type: "remove"; readonly path: string }
  | { readonly type: "write"; readonly file: number; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: "truncate"; readonly file: number; readonly size: number }
  | { readonly type: "sync"; readonly file: number }
  | { readonly type: "sync-folder"; readonly path: string };

/** What a disk writes whole, or not. */
const SECTOR_BYTES = 512;

type NameOperation = Extract<Operation, { type: "create" | "link" | "rename" | "remove" }>;

class Content {
  bytes = new Uint8Array(0);
  modifiedTime = 0;

  write(bytes: Uint8Array, position: number): void {
    this.lengthen(position + bytes.byteLength);
    this.bytes.set(bytes, position);
  }

  lengthen(size: number): void {
    if (size > this.bytes.byteLength) this.truncate(size);
  }

  truncate(size: number): void {
    const next = new Uint8Array(size);
    next.set(this.bytes.subarray(0, size));
    this.bytes = next;
  }
}

export class RecordingDisk implements DurableFiles {
  readonly operations: Operation[] = [];
  readonly #names = new Map<string, number>();
  readonly #files = new Map<number, Content>();
  #nextFile = 1;
  #time = 1_000_000;

  /** The disk as it is when the power has gone after `operations`. */
  static afterPowerCut(operations: readonly Operation[], fate: Fate): RecordingDisk {
    const disk = new RecordingDisk();
    const syncedFiles = lastSyncs(operations);
    const syncedNames = lastFolderSyncs(operations);
    for (const [at, operation] of operations.entries()) {
      if (operation.type === "sync" || operation.type === "sync-folder") continue;
      if (isNameOperation(operation)) {
        const folder = folderOf(operation.type === "rename" ? operation.to : operation.path);
        if (at < (syncedNames.get(folder) ?? -1) || fate(operation) !== "dropped") disk.#applyName(operation);
        continue;
      }
      const certain = at < (syncedFiles.get(operation.file) ?? -1);
      disk.#applyBytes(operation, certain ? "kept" : fate(operation));
    }
    return disk;
  }

  contentOf(path: string): Uint8Array | undefined {
    const file = this.#names.get(path);
    return file === undefined ? undefined : this.#content(file).bytes;
  }

  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Takes a file away, as if it had never been. */
  forget(path: string): void {
    this.#names.delete(path);
  }

  async create(path: string): Promise<DurableFile> {
    if (this.#names.has(path)) throw systemError("EEXIST", path);
    const file = this.#nextFile;
    this.#record({ type: "create", path, file });
    return this.#handle(file);
  }

  async open(path: string): Promise<DurableFile | undefined> {
    const file = this.#names.get(path);
    return file === undefined ? undefined : this.#handle(file);
  }

  async readText(path: string, maxBytes: number): Promise<string | undefined> {
    const bytes = this.contentOf(path);
    return bytes === undefined ? undefined : Buffer.from(bytes.subarray(0, maxBytes)).toString("utf8");
  }

  async rename(from: string, to: string): Promise<void> {
    this.#record({ type: "rename", from, to, file: this.#fileAt(from) });
  }

  async link(from: string, to: string): Promise<void> {
    if (this.#names.has(to)) throw systemError("EEXIST", to);
    this.#record({ type: "link", path: to, file: this.#fileAt(from) });
  }

  async remove(path: string): Promise<void> {
    if (this.#names.has(path)) this.#record({ type: "remove", path });
  }

  async makeFolder(): Promise<void> {
    // Folders are there.
  }

  async syncFolder(path: string): Promise<void> {
    this.#record({ type: "sync-folder", path });
  }

  async list(folder: string): Promise<string[]> {
    return this.paths.filter((path) => folderOf(path) === folder).map((path) => path.slice(folder.length + 1));
  }

  async status(path: string): Promise<PathStatus | undefined> {
    if (path === "/disk") return { kind: "folder", size: 0, allocated: 0, modifiedTime: 0, identity: "disk" };
    const file = this.#names.get(path);
    if (file === undefined) return undefined;
    const { bytes, modifiedTime } = this.#content(file);
    return { kind: "file", size: bytes.byteLength, allocated: bytes.byteLength, modifiedTime, identity: String(file) };
  }

  async touch(path: string): Promise<void> {
    this.#content(this.#fileAt(path)).modifiedTime = this.#time;
  }

  async freeBytes(): Promise<number> {
    return Number.POSITIVE_INFINITY;
  }

  #handle(file: number): DurableFile {
    const record = (operation: Operation): Promise<void> => {
      this.#record(operation);
      // A turn of its own, so that bytes can come while the disk is at it.
      return new Promise((resolve) => setImmediate(resolve));
    };
    return {
      // Buffers are used again as soon as they are written.
      write: (pieces, position) =>
        record({ type: "write", file, position, bytes: Uint8Array.from(Buffer.concat(pieces)) }),
      read: async (bytes, position) => {
        const found = this.#content(file).bytes.subarray(position, position + bytes.byteLength);
        bytes.set(found);
        return found.byteLength;
      },
      truncate: (size) => record({ type: "truncate", file, size }),
      sync: () => record({ type: "sync", file }),
      syncAll: () => record({ type: "sync", file }),
      setModifiedTime: async (timeMs) => {
        this.#content(file).modifiedTime = timeMs;
      },
      size: async () => this.#content(file).bytes.byteLength,
      close: () => Promise.resolve(),
    };
  }

  #record(operation: Operation): void {
    this.operations.push(operation);
    if (isNameOperation(operation)) this.#applyName(operation);
    else if (operation.type === "write" || operation.type === "truncate") this.#applyBytes(operation, "kept");
  }

  #applyName(operation: NameOperation): void {
    switch (operation.type) {
      case "create":
      case "link":
        this.#names.set(operation.path, operation.file);
        this.#content(operation.file).modifiedTime = this.#time;
        break;
      case "rename":
        if (this.#names.get(operation.from) === operation.file) this.#names.delete(operation.from);
        this.#names.set(operation.to, operation.file);
        break;
      case "remove":
        this.#names.delete(operation.path);
    }
  }

  #applyBytes(operation: Operation, fate: Outcome): void {
    if (fate === "dropped") return;
    if (operation.type === "truncate") this.#content(operation.file).truncate(operation.size);
    if (operation.type !== "write") return;
    const { bytes, position, file } = operation;
    const content = this.#content(file);
    if (fate !== "holed") {
      content.write(fate === "torn" ? bytes.subarray(0, bytes.byteLength >> 1) : bytes, position);
      return;
    }
    // Its end may be there, and its beginning not.
    content.lengthen(position + bytes.byteLength);
    for (let from = SECTOR_BYTES; from < bytes.byteLength; from += 2 * SECTOR_BYTES) {
      content.write(bytes.subarray(from, from + SECTOR_BYTES), position + from);
    }
  }

  #fileAt(path: string): number {
    const file = this.#names.get(path);
    if (file === undefined) throw systemError("ENOENT", path);
    return file;
  }

  #content(file: number): Content {
    let content = this.#files.get(file);
    if (content === undefined) {
      content = new Content();
      this.#files.set(file, content);
      this.#nextFile = Math.max(this.#nextFile, file + 1);
    }
    return content;
  }
}

function lastSyncs(operations: readonly Operation[]): Map<number, number> {
  const last = new Map<number, number>();
  for (const [at, operation] of operations.entries()) if (operation.type === "sync") last.set(operation.file, at);
  return last;
}

function lastFolderSyncs(operations: readonly Operation[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const [at, one] of operations.entries()) if (one.type === "sync-folder") last.set(one.path, at);
  return last;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function isNameOperation(operation: Operation): operation is NameOperation {
  return ["create", "link", "rename", "remove"].includes(operation.type);
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
