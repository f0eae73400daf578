/**
 * Where a cache keeps what it has stored: a small contract, so that it can be a map in memory, a folder or a database. A store
 * knows nothing of HTTP and decides nothing but what to forget.
 */

/** One stored response. Plain data; never changed once made. */
export interface CacheEntry {
  readonly status: number;
  readonly statusText: string;
  /** 11 or 10. */
  readonly version: number;
  /**
   * Field lines as received (name, value, name, value …), without those that belong to a connection (RFC 9111 §3.1). `Set-Cookie`
   * is among them if the origin sent it.
   */
  readonly fields: readonly string[];
  /** The whole content. A store may keep it in any form, and gives it back byte by byte. */
  readonly body: Uint8Array;
  /** Whether `body` has been decoded, although `fields` still name the content coding. */
  readonly decoded: boolean;
  /** When it was asked for, or last validated, in milliseconds since the Unix epoch. */
  readonly requestedAt: number;
  /** When its head came, or last was validated, in milliseconds since the Unix epoch. */
  readonly receivedAt: number;
  /** Names of the request fields that its `Vary` nominates, in lower case and sorted, each followed by a digest of the value. */
  readonly selecting: readonly string[];
}

/**
 * Keeps the entries of a key: the variants of one URL, newest first, at most `maxVariants`. Every method may answer at once or by
 * a promise. The cache never runs two updates of one key at a time. A store that throws or rejects fails no request: `get` then
 * counts as empty, and `onStoreError` is told.
 *
 * Keys are digests of 43 characters (`A-Z a-z 0-9 - _`), so that they can be file names and say nothing. Entries are private:
 * whoever reads the store reads answers.
 */
export interface CacheStore {
  /** The entries set last for `key`, or as many of them as are still kept; empty or undefined if none are. */
  get(key: string): Iterable<CacheEntry> | undefined | Promise<Iterable<CacheEntry> | undefined>;
  /** Replaces the entries of `key`; there is at least one. May forget others, or these, to stay within bounds of its own. */
  set(key: string, entries: readonly CacheEntry[]): unknown;
  /** Forgets `key`. Harmless if there is no such key. */
  delete(key: string): unknown;
}
