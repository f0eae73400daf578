/** Recuts the pieces of a body into what a reader wants to iterate over. */

/** Fed piece by piece, asked for items in between. `undefined` is never an item. */
export interface Shaper<T> {
  /** Called only when `take` has nothing more. May throw, which ends the body. */
  feed(piece: Uint8Array): void;
  /** The next finished item. May throw, which ends the body. */
  take(): T | undefined;
  /** There will be no more pieces: `take` may now give what was unfinished. */
  finish(): void;
}
