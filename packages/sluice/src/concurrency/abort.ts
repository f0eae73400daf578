/**
 * Listening to abort signals cheaply and without leaving anything behind.
 *
 * However much waits on one signal, it carries a single listener of ours, which is removed when nothing waits any more. A
 * listener apiece would cost some microseconds each, and Node warns of a leak from the eleventh on (a thousand requests may
 * well share a signal). `AbortSignal.any` is never used: it costs more than a request.
 */
import { setMaxListeners } from "node:events";
import { Fifo, type FifoNode } from "./fifo.js";

type Callback = (reason: unknown) => void;

/** Ends the listening; calling it again, or after the abort, does nothing. */
export type StopListening = () => void;

/** Everything that waits on one signal. */
const hubs = new WeakMap<AbortSignal, AbortHub>();

const nothing: StopListening = () => undefined;

/**
 * Calls `callback` with the signal's reason when `signal` aborts, in the order of the calls to this function; at once when it
 * has aborted already, never when there is no signal. What a callback throws becomes the process's uncaught exception, as
 * with any listener, and the other callbacks are called.
 */
export function onAbort(signal: AbortSignal | undefined, callback: Callback): StopListening {
  if (signal === undefined) return nothing;
  if (signal.aborted) {
    callback(signal.reason);
    return nothing;
  }
  let hub = hubs.get(signal);
  if (hub === undefined) {
    hub = new AbortHub(signal);
    hubs.set(signal, hub);
  }
  return hub.add(callback);
}

/** Aborts `controller` with the reason of `parent` when that aborts, or at once if it has, until listening is ended. */
export function linkSignal(parent: AbortSignal | undefined, controller: AbortController): StopListening {
  return onAbort(parent, (reason) => controller.abort(reason));
}

/** A controller whose signal is made to be shared by many tasks: Node does not warn of its listeners. */
export function newSharedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** The reason for an abort that nobody gave one for; the platform's own kind, which catchers know by its name `AbortError`. */
export function abortError(message: string): DOMException {
  return new DOMException(message, "AbortError");
}

/**
 * Whether a task that rejected with `error` merely obeyed its signal: it rejected with the reason itself, with an error
 * caused by it, or, as Node's own functions do, with some AbortError.
 */
export function isConsequenceOfAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return (
    error === signal.reason ||
    (error instanceof Error && (error.cause === signal.reason || error.name === "AbortError"))
  );
}

class AbortHub {
  readonly #signal: AbortSignal;
  readonly #callbacks = new Fifo<Callback>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#call, { once: true });
  }

  add(callback: Callback): StopListening {
    const node = this.#callbacks.push(callback);
    return () => this.#remove(node);
  }

  #remove(node: FifoNode<Callback>): void {
    if (!this.#callbacks.remove(node) || this.#callbacks.size > 0) return;
    this.#signal.removeEventListener("abort", this.#call);
    hubs.delete(this.#signal);
  }

  readonly #call = (): void => {
    hubs.delete(this.#signal);
    for (let callback = this.#callbacks.shift(); callback !== undefined; callback = this.#callbacks.shift()) {
      try {
        callback(this.#signal.reason);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  };
}
