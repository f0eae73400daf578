/** What goes on after its answer was sent (`waitUntil`): remembered, so that the end of the server can wait for it. */

import type { Clock } from "../../concurrency/clock.js";
import { callLater } from "../../concurrency/deadline.js";
import type { Afterwards } from "./fetch-context.js";

/** Counted from when all connections are gone: work that never ends must not keep the server from ending. */
const LONGEST_WAIT_MS = 10_000;

/** See the head of this file. */
export class PendingWork implements Afterwards {
  readonly #pending = new Set<Promise<unknown>>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  waitUntil(work: PromiseLike<unknown>): void {
    const settled = Promise.resolve(work).then(undefined, this.#onError);
    this.#pending.add(settled);
    void settled.finally(() => this.#pending.delete(settled));
  }

  /** Resolves when all of it has ended, or when it has taken too long. */
  end(clock: Clock): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const limit = callLater(clock, LONGEST_WAIT_MS, resolve);
      const done = (): void => {
        clock.disarm(limit);
        resolve();
      };
      Promise.allSettled(this.#pending).then(done, done);
    });
  }
}
