/** The store that a cache has if it is given no other: in memory, bounded by bytes and by number, least recently used goes first. */
import { refuseUnknown, requireNumber } from "../../../../options.js";
import type { CacheEntry, CacheStore } from "./cache-store.js";

/** How much a {@link MemoryCacheStore} keeps. */
export interface MemoryCacheStoreLimits {
  /** Bytes in all: content, field lines, and 1 KiB for each entry. `Infinity` for no limit. @default 67_108_864 (64 MiB) */
  readonly maxBytes?: number;
  /** Keys, that is URLs for each whose answers they are. At least 1, `Infinity` for no limit. @default 10_000 */
  readonly maxKeys?: number;
}

/** What an entry takes besides its text and its content. */
const ENTRY_BYTES = 1_024;
const DEFAULTS: Required<MemoryCacheStoreLimits> = { maxBytes: 64 * 1024 * 1024, maxKeys: 10_000 };
const KNOWN: ReadonlySet<string> = new Set(Object.keys(DEFAULTS));

interface Kept {
  readonly entries: readonly CacheEntry[];
  readonly bytes: number;
}

/** Keeps entries in memory. */
export class MemoryCacheStore implements CacheStore {
  readonly #limits: Required<MemoryCacheStoreLimits>;
  /** The least recently used first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** Throws `UsageError` for a limit that is unknown or out of range. */
  constructor(limits: MemoryCacheStoreLimits = {}) {
    refuseUnknown("MemoryCacheStore", limits, KNOWN);
    this.#limits = { ...DEFAULTS, ...limits };
    requireNumber("maxBytes", this.#limits.maxBytes, 0, Number.POSITIVE_INFINITY);
    requireNumber("maxKeys", this.#limits.maxKeys, 1, Number.POSITIVE_INFINITY);
  }

  /** How many keys it holds. */
  get size(): number {
    return this.#kept.size;
  }

  /** Bytes it holds, counted as `maxBytes` says. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): readonly CacheEntry[] | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.entries;
  }

  /** Of entries that are too many for `maxBytes` by themselves the newest that fit are kept. */
  set(key: string, entries: readonly CacheEntry[]): void {
    this.delete(key);
    const { maxBytes, maxKeys } = this.#limits;
    const fitting: CacheEntry[] = [];
    let bytes = 0;
    for (const entry of entries) {
      const size = sizeOf(entry);
      if (bytes + size > maxBytes) break;
      fitting.push(entry);
      bytes += size;
    }
    if (fitting.length === 0) return;
    this.#kept.set(key, { entries: fitting, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= maxBytes && this.#kept.size <= maxKeys) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }

  /** Forgets everything. */
  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}

function sizeOf(entry: CacheEntry): number {
  let text = entry.statusText.length;
  for (const part of entry.fields) text += part.length;
  for (const part of entry.selecting) text += part.length;
  return ENTRY_BYTES + text + entry.body.byteLength;
}
