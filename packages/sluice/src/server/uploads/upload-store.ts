/**
 * What `uploads()` asks of the place where uploads lie. The engine decides what may be written; a store writes it, and its word on what
 * is durable is what clients are told. `DirectoryStore` is the one that comes with it.
 */

/** What is known of an upload beside its bytes. Kept by the store as it is given. */
export interface UploadRecord {
  /** Nobody can guess it: who knows it may go on with the upload. */
  readonly id: string;
  /** Bytes in all; undefined until the client knows. */
  readonly length: number | undefined;
  /** `Upload-Metadata` as the client sent it; empty for none. */
  readonly metadata: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** The name it gets, or has, when it is complete. Set before it is moved there. */
  readonly name: string | undefined;
  /** When it was in its place, before a hook was told: milliseconds since the Unix epoch. The hook may have taken it away since. */
  readonly placedAt: number | undefined;
  /** When the last hook had been told that it is complete: milliseconds since the Unix epoch. */
  readonly completedAt: number | undefined;
}

/** An upload in the store. One request has it open at a time. */
export interface StoredUpload {
  readonly record: UploadRecord;
  /** Bytes from the beginning on that are durable. */
  readonly offset: number;
  /** When a byte came last, or when it was created: milliseconds since the Unix epoch. */
  readonly touchedAt: number;
  /**
   * Appends behind what was written before; it need not be durable yet. The pieces are lent until the promise settles: their memory is
   * used again then. Rejects with the system's error, and has then kept nothing of these pieces, or forgets it.
   */
  write(pieces: readonly Uint8Array[]): Promise<void>;
  /** Makes what was written durable; `now` becomes `touchedAt`. Afterwards `offset` has grown by it. */
  sync(now: number): Promise<void>;
  /** Forgets what was written since the last `sync`. */
  revert(): Promise<void>;
  /** Replaces the record, durably: what it says afterwards outlives a crash of the machine. */
  update(record: UploadRecord): Promise<void>;
  /**
   * Puts the whole content where complete uploads lie, under `record.name`. Resolves to the place, a path for instance; to undefined if
   * the name is taken, which changes nothing. Asked again for an upload that is in its place, it resolves to that.
   */
  place(): Promise<string | undefined>;
  /** Releases what it takes to write. Harmless when done. */
  close(): Promise<void>;
}

/** A place for uploads. Several uploads are worked on at a time, each by one request. */
export interface UploadStore {
  /** Called once, before anything else. Removes what uploads have left behind that never came to be. */
  start(): Promise<void>;
  /** Ids of all uploads, complete ones whose record is still there included. */
  list(): Promise<readonly string[]>;
  /** Makes an upload without content, durably. */
  create(record: UploadRecord): Promise<StoredUpload>;
  /** Undefined if there is none. */
  open(id: string): Promise<StoredUpload | undefined>;
  /** Removes an upload; of one that is in its place only the record. */
  remove(id: string): Promise<void>;
  /** Bytes that there is room for, as far as anybody can tell; `Infinity` if nobody can. */
  freeBytes(): Promise<number>;
}
