/**
 * Where frames begin in a stream of WebSocket frames (RFC 6455 §5.2), by their lengths alone: nothing is unmasked, checked or kept. A
 * tunnel needs it for one thing, a place where it may put a Close frame of its own.
 *
 * A head is two bytes, then an extended length of two or eight bytes, then a mask of four; the second byte says which of these there are.
 */

/** Bytes of a head that say how long the frame is: two, and a 64-bit length. */
const LONGEST_LENGTH_HEAD = 10;
const MASKED = 0x80;
const LENGTH_BITS = 0x7f;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;
const OPCODE_BITS = 0x0f;
const CLOSE = 8;

/** Follows one direction of one connection. */
export class FrameBoundaries {
  /** The bytes of a head so far, of which fewer are here than it takes to know its length. */
  readonly #head = new Uint8Array(LONGEST_LENGTH_HEAD);
  #headBytes = 0;
  /** Bytes of the frame that are still to come. */
  #left = 0;
  #closing = false;

  /** Whether the next byte is the first of a frame. */
  get between(): boolean {
    return this.#left === 0 && this.#headBytes === 0;
  }

  /** Whether the head of a Close frame has gone by. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Takes note of bytes that go by. Work is per frame, not per byte. */
  pass(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at);
  }

  /** As {@link pass}, but only up to the end of the frame that is going by; returns how many of the bytes that were. */
  passFrame(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && !this.between) at = this.#step(bytes, at);
    return at;
  }

  /** Either a piece of the frame's rest, or a byte of its head. Returns where to go on. */
  #step(bytes: Uint8Array, at: number): number {
    if (this.#left > 0) {
      const taken = Math.min(this.#left, bytes.length - at);
      this.#left -= taken;
      return at + taken;
    }
    this.#head[this.#headBytes] = bytes[at] ?? 0;
    this.#headBytes += 1;
    this.#readHead();
    return at + 1;
  }

  #readHead(): void {
    const [first = 0, second = 0] = this.#head;
    if (this.#headBytes < 2) return;
    const short = second & LENGTH_BITS;
    const extended = short === LENGTH_64 ? 8 : short === LENGTH_16 ? 2 : 0;
    if (this.#headBytes < 2 + extended) return;
    const payloadBytes = extended === 0 ? short : this.#extendedLength(extended);
    this.#left = payloadBytes + ((second & MASKED) === 0 ? 0 : MASK_BYTES);
    this.#headBytes = 0;
    this.#closing ||= (first & OPCODE_BITS) === CLOSE;
  }

  /** Lengths beyond 2^53 lose precision; no peer lives to see the end of such a frame. */
  #extendedLength(size: number): number {
    let length = 0;
    for (let index = 2; index < 2 + size; index += 1) length = length * 256 + (this.#head[index] ?? 0);
    return length;
  }
}
