/**
 * First in, first out, for body pieces: `push` and `shift` in O(1), and the bytes in it known at any time. The first piece has
 * a place of its own, because most bodies have no other, and an array that grows from nothing takes room for seventeen.
 */

const RELEASED = new Uint8Array(0);
/** Taken places are cut off the array's front when there are this many of them, and they are half of it. */
const COMPACT_AT = 32;

/** The pieces of a body that have arrived and not been taken. */
export class PieceQueue {
  #first: Uint8Array | undefined = undefined;
  /** What came after the first. Empty while there is no first. */
  #rest: Uint8Array[] | undefined = undefined;
  #taken = 0;
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  get pieceCount(): number {
    return this.#first === undefined ? 0 : 1 + (this.#rest?.length ?? 0) - this.#taken;
  }

  push(piece: Uint8Array): void {
    this.#byteLength += piece.byteLength;
    if (this.#first === undefined) {
      this.#first = piece;
    } else {
      this.#rest ??= [];
      this.#rest.push(piece);
    }
  }

  shift(): Uint8Array | undefined {
    const piece = this.#first;
    if (piece === undefined) return undefined;
    this.#byteLength -= piece.byteLength;
    this.#first = this.#rest === undefined ? undefined : this.#shiftRest(this.#rest);
    return piece;
  }

  /** Looks at what is in it, without taking it. */
  *[Symbol.iterator](): IterableIterator<Uint8Array> {
    if (this.#first === undefined) return;
    yield this.#first;
    for (let at = this.#taken; at < (this.#rest?.length ?? 0); at += 1) yield this.#rest?.[at] ?? RELEASED;
  }

  clear(): void {
    this.#first = undefined;
    this.#rest = undefined;
    this.#taken = 0;
    this.#byteLength = 0;
  }

  #shiftRest(rest: Uint8Array[]): Uint8Array | undefined {
    const piece = rest[this.#taken];
    if (piece === undefined) return undefined;
    rest[this.#taken] = RELEASED;
    this.#taken += 1;
    if (this.#taken === rest.length) {
      rest.length = 0;
      this.#taken = 0;
    } else if (this.#taken >= COMPACT_AT && this.#taken * 2 >= rest.length) {
      rest.splice(0, this.#taken);
      this.#taken = 0;
    }
    return piece;
  }
}
