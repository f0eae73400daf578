/** Those who wait for the floor while somebody else has it, in the order in which they came. */

import { onAbort } from "../../concurrency/abort.js";
import { Fifo } from "../../concurrency/fifo.js";
import { quietly } from "./quietly.js";

/** One who waits. */
interface Turn {
  readonly byteLength: number;
  /** Does what it came for; true if it keeps the floor. */
  take(): boolean;
  drop(error: Error): void;
}

/** A queue for one resource; see above. */
export class SendQueue {
  readonly #turns = new Fifo<Turn>();
  #byteLength = 0;

  /** Bytes of what waits. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** `take` is called when it is its turn; it is dropped without a word if that never comes. */
  push(byteLength: number, take: () => boolean): void {
    this.#byteLength += byteLength;
    this.#turns.push({ byteLength, take, drop: () => undefined });
  }

  /**
   * The same for somebody who waits for it: resolves when `take` has returned. Rejects, and `take` is never called, with the reason of
   * `signal` or the error of {@link drop}.
   */
  wait(byteLength: number, signal: AbortSignal | undefined, take: () => boolean): Promise<void> {
    this.#byteLength += byteLength;
    return quietly(
      new Promise((resolve, reject) => {
        const node = this.#turns.push({
          byteLength,
          take: () => {
            stopListening();
            resolve();
            return take();
          },
          drop: (error) => {
            stopListening();
            reject(error);
          },
        });
        const stopListening = onAbort(signal, (reason) => {
          if (!this.#turns.remove(node)) return;
          this.#byteLength -= byteLength;
          reject(reason);
        });
      }),
    );
  }

  /** Lets the next one take the floor; undefined if there is none, else whether it keeps the floor. */
  next(): boolean | undefined {
    const turn = this.#turns.shift();
    if (turn === undefined) return undefined;
    this.#byteLength -= turn.byteLength;
    return turn.take();
  }

  /** Nobody's turn comes any more. */
  drop(error: Error): void {
    this.#byteLength = 0;
    for (let turn = this.#turns.shift(); turn !== undefined; turn = this.#turns.shift()) turn.drop(error);
  }
}
