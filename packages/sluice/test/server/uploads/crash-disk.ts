/**
 * A disk that keeps a record of what is done to it, and can be brought back as a crash at any moment may have left it: of writes that were
 * not synced each is there, missing, or torn; of entries of folders that were not synced the last ones are missing.
 */
import type { DurableFile, DurableFiles } from "../../../src/platform/durable-files.js";
import type { Random } from "../../../src/platform/random.js";

/** One thing that was done. Files are numbered as they are made. */
type Operation =
  | { readonly kind: "create"; readonly path: string; readonly file: number }
  | { readonly kind: "write"; readonly file: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly file: number; readonly size: number }
  | { readonly kind: "sync"; readonly file: number }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "sync-folder"; readonly path: string };

/** What a disk tears: it writes a sector whole, or not. */
const SECTOR_BYTES = 512;

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
const systemError = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });

/** See the head of this file. */
export class CrashDisk implements DurableFiles {
  readonly operations: Operation[] = [];
  /** By number: the content. */
  #contents: Uint8Array[] = [];
  #names = new Map<string, number>();

  /** The disk after a crash at `moment`: so many operations had been begun. */
  after(moment: number, random: Random): CrashDisk {
    const done = this.operations.slice(0, moment);
    const left = new CrashDisk();
    for (const [index, operation] of done.entries()) {
      const rest = done.slice(index + 1);
      if (isEntry(operation)) continue;
      if (operation.kind === "sync" || operation.kind === "sync-folder") continue;
      const synced = rest.some((later) => later.kind === "sync" && later.file === operation.file);
      left.#applyData(operation, synced ? "whole" : outcome(random));
    }
    left.#applyEntries(done, random);
    return left;
  }

  content(path: string): Uint8Array | undefined {
    const file = this.#names.get(path);
    return file === undefined ? undefined : (this.#contents[file] ?? new Uint8Array());
  }

  names(folder: string): string[] {
    return [...this.#names.keys()]
      .filter((path) => folderOf(path) === folder)
      .map((path) => path.slice(folder.length + 1));
  }

  async create(path: string): Promise<DurableFile> {
    if (this.#names.has(path)) throw systemError("EEXIST", path);
    const file = this.#contents.push(new Uint8Array()) - 1;
    this.#names.set(path, file);
    this.operations.push({ kind: "create", path, file });
    return this.#open(file);
  }

  async open(path: string): Promise<DurableFile | undefined> {
    const file = this.#names.get(path);
    return file === undefined ? undefined : this.#open(file);
  }

  async rename(from: string, to: string): Promise<void> {
    const operation = { kind: "rename", from, to } as const;
    this.operations.push(operation);
    this.#applyEntry(operation);
  }

  async moveToFree(from: string, to: string): Promise<boolean> {
    if (this.#names.has(to)) return false;
    await this.rename(from, to);
    return true;
  }

  async remove(path: string): Promise<boolean> {
    if (!this.#names.has(path)) return false;
    this.operations.push({ kind: "remove", path });
    return this.#names.delete(path);
  }

  async makeFolder(): Promise<void> {
    // Folders are there.
  }

  async syncFolder(path: string): Promise<void> {
    this.operations.push({ kind: "sync-folder", path });
  }

  async list(path: string): Promise<readonly string[]> {
    return this.names(path);
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(Number.POSITIVE_INFINITY);
  }

  #open(file: number): DurableFile {
    return {
      size: async () => this.#contents[file]?.byteLength ?? 0,
      read: async (at, length) => (this.#contents[file] ?? new Uint8Array()).slice(at, at + length),
      write: async (pieces, at) => {
        const operation = { kind: "write", file, at, bytes: new Uint8Array(Buffer.concat(pieces)) } as const;
        this.operations.push(operation);
        this.#applyData(operation, "whole");
      },
      truncate: async (size) => {
        const operation = { kind: "truncate", file, size } as const;
        this.operations.push(operation);
        this.#applyData(operation, "whole");
      },
      sync: async () => void this.operations.push({ kind: "sync", file }),
      close: async () => undefined,
    };
  }

  #applyData(operation: Extract<Operation, { kind: "write" | "truncate" }>, outcome: "whole" | "torn" | "lost"): void {
    if (outcome === "lost") return;
    const { file } = operation;
    const before = this.#contents[file] ?? new Uint8Array();
    if (operation.kind === "truncate") {
      this.#contents[file] = resized(before, operation.size);
      return;
    }
    const { at, bytes } = operation;
    // A torn write is there in every other sector: its end may be, and its beginning not.
    const end = at + bytes.byteLength;
    const after = end > before.byteLength ? resized(before, end) : before;
    for (let from = 0; from < bytes.byteLength; from += SECTOR_BYTES) {
      if (outcome === "torn" && (from / SECTOR_BYTES) % 2 === 0) continue;
      after.set(bytes.subarray(from, from + SECTOR_BYTES), at + from);
    }
    this.#contents[file] = after;
  }

  #applyEntries(done: readonly Operation[], random: Random): void {
    const cuts = new Map<string, number>();
    for (const [index, operation] of done.entries()) {
      if (!isEntry(operation)) continue;
      const folder = folderOf(operation.kind === "rename" ? operation.to : operation.path);
      const synced = done.slice(index).some((later) => later.kind === "sync-folder" && later.path === folder);
      if (!synced && cuts.has(folder)) continue;
      if (!synced && random() < 0.4) cuts.set(folder, index);
      else this.#applyEntry(operation);
    }
  }

  #applyEntry(operation: Operation): void {
    if (operation.kind === "create") this.#names.set(operation.path, operation.file);
    if (operation.kind === "remove") this.#names.delete(operation.path);
    if (operation.kind !== "rename") return;
    const file = this.#names.get(operation.from);
    if (file === undefined) return;
    this.#names.set(operation.to, file);
    this.#names.delete(operation.from);
  }
}

function isEntry(operation: Operation): operation is Extract<Operation, { kind: "create" | "rename" | "remove" }> {
  return operation.kind === "create" || operation.kind === "rename" || operation.kind === "remove";
}

function outcome(random: Random): "whole" | "torn" | "lost" {
  const drawn = random();
  if (drawn < 0.3) return "whole";
  return drawn < 0.6 ? "torn" : "lost";
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const other = new Uint8Array(size);
  other.set(bytes.subarray(0, size));
  return other;
}
