/** First in, first out, for body pieces: `push` and `shift` in O(1), and the bytes in it known at any time. */

const RELEASED = new Uint8Array(0);
/** Taken places are cut off the array's front when there are this many of them, and they are half of it. */
const COMPACT_AT = 32;

/** The pieces of a body that have arrived and not been taken. */
export class PieceQueue {
  #pieces: Uint8Array[] = [];
  #taken = 0;
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  get pieceCount(): number {
    return this.#pieces.length - this.#taken;
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#byteLength += piece.byteLength;
  }

  shift(): Uint8Array | undefined {
    const piece = this.#pieces[this.#taken];
    if (piece === undefined) return undefined;
    this.#pieces[this.#taken] = RELEASED;
    this.#taken += 1;
    this.#byteLength -= piece.byteLength;
    this.#compact();
    return piece;
  }

  clear(): void {
    this.#pieces = [];
    this.#taken = 0;
    this.#byteLength = 0;
  }

  #compact(): void {
    if (this.#taken === this.#pieces.length) {
      this.#pieces.length = 0;
      this.#taken = 0;
    } else if (this.#taken >= COMPACT_AT && this.#taken * 2 >= this.#pieces.length) {
      this.#pieces.splice(0, this.#taken);
      this.#taken = 0;
    }
  }
}
