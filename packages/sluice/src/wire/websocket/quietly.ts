/** Promises of a connection that may end at any time: a rejection that nobody awaits must not end the process. */

import { onAbort } from "../../concurrency/abort.js";

/** Marks a rejection as seen. Whoever awaits the promise is told all the same. */
export function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** A rejected promise that may be dropped. */
export function refused(error: unknown): Promise<never> {
  return quietly(Promise.reject(error));
}

/** As `promise`, or rejected with the reason of `signal` if that aborts before. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return unlessAborted(promise, signal, (reason) => reason);
}

/** As `promise`, or rejected with what `errorFor` makes of the reason of `signal` if that aborts before. */
export function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  errorFor: (reason: unknown) => unknown,
): Promise<T> {
  return quietly(
    new Promise<T>((resolve, reject) => {
      const stopListening = onAbort(signal, (reason) => reject(errorFor(reason)));
      promise.then(
        (value) => {
          stopListening();
          resolve(value);
        },
        (error: unknown) => {
          stopListening();
          reject(error);
        },
      );
    }),
  );
}

/** Waited for by any number; opened or failed, once. */
export class Gate {
  readonly promise: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.promise = quietly(
      new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      }),
    );
  }

  open(): void {
    this.#resolve();
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}
