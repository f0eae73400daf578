/**
 * The buffers that sockets read into. On POSIX systems libuv asks for the buffer, reads and reports in one go, so all connections can
 * read into one: no idle connection holds a buffer, and the one in use stays in the processor's cache. Windows reads ahead into it: one for
 * each connection.
 */

/** Sizes of reads for which views are kept. A power of two. */
const KEPT_VIEWS = 256;

/** A buffer that is lent out for the time of one call, again and again. */
export class ReadBuffer {
  readonly bytes: Buffer;
  /** Views of the beginning, each at its length's lowest bits: packets come in few sizes, and need no new view each. */
  readonly #views: Buffer[] = [];

  /** `byteCount` is the most that one read takes. */
  constructor(byteCount: number) {
    this.bytes = Buffer.allocUnsafeSlow(byteCount);
  }

  /** The first `byteCount` bytes, not copied. */
  first(byteCount: number): Buffer {
    const place = byteCount & (KEPT_VIEWS - 1);
    const kept = this.#views[place];
    if (kept?.length === byteCount) return kept;
    const view = this.bytes.subarray(0, byteCount);
    this.#views[place] = view;
    return view;
  }
}

/** Gives each connection its buffer of `byteCount` bytes: the same one, made when it is first needed, wherever that can be. */
export function readBufferSource(byteCount: number): () => ReadBuffer {
  if (process.platform === "win32") return () => new ReadBuffer(byteCount);
  let shared: ReadBuffer | undefined;
  return () => {
    shared ??= new ReadBuffer(byteCount);
    return shared;
  };
}
