/**
 * A disk that remembers every operation, and can be made anew as a power cut after any of them would have left it. What is certain is what
 * POSIX says: bytes of a file that were written before a sync of it, names that were made, moved or removed before a sync of their folder.
 * Of everything later each operation, by itself, has happened or not; a write may have happened to its half.
 */
import type { FileLayer, LayerFile, PathStatus } from "../../../src/platform/file-layer.js";

/** Decides what becomes of an operation that was not synced: it is there, it is not, or (a write) its first half is. */
export type Fate = (op: Operation) => "kept" | "dropped" | "torn";

export type Operation =
  | { readonly type: "create"; readonly path: string; readonly file: number }
  | { readonly type: "link"; readonly path: string; readonly file: number }
  | { readonly type: "rename"; readonly from: string; readonly to: string; readonly file: number }
  | { readonly type: "remove"; readonly path: string }
  | { readonly type: "write"; readonly file: number; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: "truncate"; readonly file: number; readonly size: number }
  | { readonly type: "sync"; readonly file: number }
  | { readonly type: "sync-folder" };

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

export class RecordingDisk implements FileLayer {
  readonly operations: Operation[] = [];
  readonly #names = new Map<string, number>();
  readonly #files = new Map<number, Content>();
  #nextFile = 1;
  #time = 1_000_000;

  /** The disk as it is when the power has gone after `operations`. */
  static afterPowerCut(operations: readonly Operation[], fate: Fate): RecordingDisk {
    const disk = new RecordingDisk();
    const syncedFiles = lastSyncs(operations);
    const syncedNames = operations.findLastIndex(({ type }) => type === "sync-folder");
    for (const [at, operation] of operations.entries()) {
      if (operation.type === "sync" || operation.type === "sync-folder") continue;
      if (isNameOperation(operation)) {
        if (at < syncedNames || fate(operation) !== "dropped") disk.#applyName(operation);
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

  async open(path: string, how: "create" | "existing"): Promise<LayerFile> {
    let file = this.#names.get(path);
    if (file === undefined) {
      if (how === "existing") throw systemError("ENOENT", path);
      file = this.#create(path);
    }
    return this.#handle(file);
  }

  async readText(path: string, maxBytes: number): Promise<string | undefined> {
    const bytes = this.contentOf(path);
    return bytes === undefined ? undefined : Buffer.from(bytes.subarray(0, maxBytes)).toString("utf8");
  }

  async writeNew(path: string, text: string): Promise<void> {
    if (this.#names.has(path)) throw systemError("EEXIST", path);
    const file = this.#create(path);
    this.#record({ type: "write", file, position: 0, bytes: Buffer.from(text) });
    this.#record({ type: "sync", file });
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

  async syncFolder(): Promise<void> {
    this.#record({ type: "sync-folder" });
  }

  async status(path: string): Promise<PathStatus | undefined> {
    if (path === "/disk") return { kind: "folder", size: 0, allocated: 0, modifiedTime: 0 };
    const file = this.#names.get(path);
    if (file === undefined) return undefined;
    const { bytes, modifiedTime } = this.#content(file);
    return { kind: "file", size: bytes.byteLength, allocated: bytes.byteLength, modifiedTime };
  }

  async touch(path: string): Promise<void> {
    this.#content(this.#fileAt(path)).modifiedTime = this.#time;
  }

  async freeBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }

  #handle(file: number): LayerFile {
    const record = (operation: Operation): Promise<void> => {
      this.#record(operation);
      // A turn of its own, so that bytes can come while the disk is at it.
      return new Promise((resolve) => setImmediate(resolve));
    };
    return {
      // The buffer is used again as soon as it is written.
      write: (bytes, position) => record({ type: "write", file, position, bytes: Uint8Array.from(bytes) }),
      read: async (bytes, position) => {
        const found = this.#content(file).bytes.subarray(position, position + bytes.byteLength);
        bytes.set(found);
        return found.byteLength;
      },
      truncate: (size) => record({ type: "truncate", file, size }),
      syncData: () => record({ type: "sync", file }),
      sync: () => record({ type: "sync", file }),
      setModifiedTime: async (timeMs) => {
        this.#content(file).modifiedTime = timeMs;
      },
      size: async () => this.#content(file).bytes.byteLength,
      close: () => Promise.resolve(),
    };
  }

  #create(path: string): number {
    const file = this.#nextFile;
    this.#record({ type: "create", path, file });
    return file;
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

  #applyBytes(operation: Operation, fate: "kept" | "dropped" | "torn"): void {
    if (fate === "dropped") return;
    if (operation.type === "truncate") this.#content(operation.file).truncate(operation.size);
    if (operation.type !== "write") return;
    const { bytes, position, file } = operation;
    const half = fate === "torn" ? bytes.subarray(0, bytes.byteLength >> 1) : bytes;
    this.#content(file).write(half, position);
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

function isNameOperation(operation: Operation): operation is NameOperation {
  return ["create", "link", "rename", "remove"].includes(operation.type);
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
