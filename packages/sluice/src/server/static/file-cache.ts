/** Files that were looked at a moment ago, by the path they were asked for; bounded by what they weigh together. */

import type { Representation } from "./representation.js";

/** A file as a path has it: as it is, and compressed by others beforehand. */
export interface StaticFile {
  readonly original: Representation;
  /** Smallest first. */
  readonly siblings: readonly Sibling[];
}

/** A file in a coding. */
export interface Sibling {
  readonly coding: string;
  readonly representation: Representation;
}

/** A file, and when its folder was last asked about it, on the monotonic scale of the clock. */
export interface KeptFile {
  readonly file: StaticFile;
  readonly checkedAt: number;
}

/** Field lines, tags and the entry itself, about. */
const BESIDE_CONTENT_BYTES = 1_024;

/** What has not been looked at for longest goes first. */
export class FileCache {
  readonly #maxBytes: number;
  /** In the order in which they were last set, which a file in use is every time it is looked at. */
  readonly #entries = new Map<string, KeptFile & { readonly bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What all entries weigh together. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(path: string): KeptFile | undefined {
    return this.#entries.get(path);
  }

  /** Keeps a file, if it fits at all, and has it be the most recently used. */
  set(path: string, file: StaticFile, checkedAt: number): void {
    this.delete(path);
    const bytes = weightOf(path, file);
    if (bytes > this.#maxBytes) return;
    this.#entries.set(path, { file, checkedAt, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    this.#bytes -= entry.bytes;
  }
}

function weightOf(path: string, { original, siblings }: StaticFile): number {
  let bytes = path.length * 2;
  for (const { whole } of [original, ...siblings.map(({ representation }) => representation)]) {
    bytes += (whole?.byteLength ?? 0) + BESIDE_CONTENT_BYTES;
  }
  return bytes;
}
