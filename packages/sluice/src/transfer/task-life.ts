/**
 * How a transfer ends: with its work, by the caller's signal, by closing it, or by what a listener throws. Whichever comes first is what
 * its result tells.
 */

import { abortError, linkSignal } from "../concurrency/abort.js";

/** See the head of this file. Of one task. */
export class TaskLife {
  readonly #controller = new AbortController();

  /** Aborts when the work is to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What a listener throws ends the transfer with just that. */
  call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#controller.abort(error);
    }
  }

  /** What `work` comes to; of one that was ended, why. Once. */
  async run<T>(work: () => Promise<T>, callers: AbortSignal | undefined): Promise<T> {
    const stopListening = linkSignal(callers, this.#controller);
    try {
      const result = await work();
      // What a listener throws at the very end is still an answer to it.
      this.#controller.signal.throwIfAborted();
      return result;
    } catch (error) {
      if (this.#controller.signal.aborted) throw this.#controller.signal.reason;
      throw error;
    } finally {
      stopListening();
    }
  }

  /** Ends it with an `AbortError` of that message, unless it has ended. Resolves when `result` has settled. */
  async end(message: string, result: Promise<unknown>): Promise<void> {
    this.#controller.abort(abortError(message));
    await result.then(
      () => undefined,
      () => undefined,
    );
  }
}
