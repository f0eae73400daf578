/** Pieces made when they are asked for, whose length in all is known before: a part of a file, above all. */

/** A body of exactly `length` bytes, which can be opened again for another send. @internal */
export class SizedPieces implements AsyncIterable<Uint8Array> {
  readonly length: number;
  /** Where pieces go that were sent and that nobody looks at any more; undefined if nobody wants them. */
  readonly takeBack: ((piece: Uint8Array) => void) | undefined;
  readonly #open: () => AsyncIterable<Uint8Array>;

  constructor(length: number, open: () => AsyncIterable<Uint8Array>, takeBack?: (piece: Uint8Array) => void) {
    this.length = length;
    this.takeBack = takeBack;
    this.#open = open;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#open()[Symbol.asyncIterator]();
  }
}
