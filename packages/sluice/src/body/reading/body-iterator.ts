/**
 * Iterates over a body, recut by a shaper. Written out instead of as a generator: what has arrived already costs one
 * resolved promise per item and nothing else, and leaving early can cancel a body that somebody waits for.
 */

import type { BodyFlow } from "../body-flow.js";
import { failReader } from "./fail-reader.js";
import type { Shaper } from "./shaper.js";

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined> | Promise<never>): void;
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** `return` (which leaving `for await` calls) cancels what has not been read. */
export class BodyIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #flow: BodyFlow;
  readonly #shaper: Shaper<T>;
  #waiters: Waiter<T>[] = [];
  #state: "more" | "last" | "done" = "more";

  constructor(flow: BodyFlow, shaper: Shaper<T>) {
    this.#flow = flow;
    this.#shaper = shaper;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#waiters.length === 0) {
      try {
        const result = this.#tryNext();
        if (result !== undefined) return Promise.resolve(result);
      } catch (error) {
        return failReader(this.#flow, error);
      }
    }
    return new Promise((resolve) => {
      this.#waiters.push({ resolve });
      if (this.#waiters.length === 1) this.#flow.wait(this.#onReady);
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#state = "done";
    this.#flow.cancel(undefined);
    this.#settleWaiters();
    return Promise.resolve(DONE);
  }

  readonly #onReady = (): void => {
    if (!this.#settleWaiters()) this.#flow.wait(this.#onReady);
  };

  /** Serves those who wait, in order; false if some still do. */
  #settleWaiters(): boolean {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      try {
        const result = this.#tryNext();
        if (result === undefined) return false;
        waiter.resolve(result);
      } catch (error) {
        waiter.resolve(failReader(this.#flow, error));
      }
      this.#waiters.shift();
    }
    return true;
  }

  /** The next item, or the end; undefined if the wire has to bring more first. Throws once, then it is the end. */
  #tryNext(): IteratorResult<T, undefined> | undefined {
    while (this.#state !== "done") {
      try {
        const value = this.#shaper.take();
        if (value !== undefined) return { value, done: false };
        if (!this.#advance()) return undefined;
      } catch (error) {
        this.#state = "done";
        this.#flow.cancel(error as Error);
        throw error;
      }
    }
    return DONE;
  }

  /** Gives the shaper the next piece, or the end; false if there is neither yet. */
  #advance(): boolean {
    if (this.#state === "last") {
      this.#state = "done";
      return true;
    }
    const piece = this.#flow.take();
    if (piece !== undefined) {
      this.#shaper.feed(piece);
      return true;
    }
    if (!this.#flow.atEnd()) return false;
    this.#shaper.finish();
    this.#state = "last";
    return true;
  }
}
