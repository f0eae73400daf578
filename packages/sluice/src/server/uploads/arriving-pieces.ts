/**
 * The pieces of a request's body until somebody else wants the upload. What has arrived by then is given out all the same: it was sent
 * once, and need not be sent again.
 */

import type { Body } from "../../body/body.js";
import type { BodyFlow } from "../../body/body-flow.js";
import { onAbort, type StopListening } from "../../concurrency/abort.js";
import { asAnswer } from "../request/body-faults.js";

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** To be iterated once. Rejects with the body's error, or with the signal's reason when all that has arrived was given out. */
export class ArrivingPieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #flow: BodyFlow;
  readonly #signal: AbortSignal;
  readonly #stopListening: StopListening;
  #wake: (() => void) | undefined = undefined;

  constructor(body: Body, signal: AbortSignal) {
    this.#flow = body.readWith((flow) => flow);
    this.#signal = signal;
    this.#stopListening = onAbort(signal, () => this.#wake?.());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const value = this.#flow.take();
      if (value !== undefined) return { value, done: false };
      if (this.#hasEnded()) return this.#end();
      if (this.#signal.aborted) {
        await this.return();
        throw this.#signal.reason;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#flow.wait(resolve);
      });
    }
  }

  /** What is wrong with a body is its client's doing, and is answered as that. */
  #hasEnded(): boolean {
    try {
      return this.#flow.atEnd();
    } catch (error) {
      this.#stopListening();
      throw asAnswer(error, Number.POSITIVE_INFINITY);
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#flow.cancel(undefined);
    return Promise.resolve(this.#end());
  }

  #end(): IteratorReturnResult<undefined> {
    this.#stopListening();
    return DONE;
  }
}
