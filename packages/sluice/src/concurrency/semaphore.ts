/** A fixed number of permits, given out in the order they were asked for. */
import { UsageError } from "../errors.js";
import { onAbort } from "./abort.js";
import { Fifo } from "./fifo.js";

/** One permit in use. `using permit = await semaphore.acquire()` cannot forget to give it back. */
export interface Permit extends Disposable {
  /** Gives the permit back; only the first call counts. */
  release(): void;
}

/** Lets a fixed number of holders in at once. */
export class Semaphore {
  readonly #waiting = new Fifo<(permit: Permit) => void>();
  #available: number;

  /** `permits`: how many may be out at once, 1 or more, `Infinity` for no limit. Throws UsageError `options/out-of-range`. */
  constructor(permits: number) {
    if (!(Number.isInteger(permits) || permits === Number.POSITIVE_INFINITY) || permits < 1) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot create a semaphore: expected a whole number of permits, 1 or more, received ${permits}`,
      );
    }
    this.#available = permits;
  }

  /** Permits that {@link tryAcquire} could take now. */
  get available(): number {
    return this.#available;
  }

  /** How many wait in {@link acquire}. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves with a permit when all who asked earlier have had theirs. Rejects with the reason of `signal`; whoever gave up
   * waiting takes no permit with it. A permit that has been granted is the caller's to release, whatever the signal does later.
   */
  acquire(signal?: AbortSignal): Promise<Permit> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const permit = this.tryAcquire();
    if (permit !== undefined) return Promise.resolve(permit);
    return new Promise((resolve, reject) => {
      const node = this.#waiting.push((granted) => {
        stopListening();
        resolve(granted);
      });
      const stopListening = onAbort(signal, (reason) => {
        this.#waiting.remove(node);
        reject(reason);
      });
    });
  }

  /** A permit if one is free at once, else `undefined`. Never overtakes those who wait. */
  tryAcquire(): Permit | undefined {
    if (this.#available === 0) return undefined;
    this.#available -= 1;
    return this.#newPermit();
  }

  /** Runs `task` holding one permit, and gives it back however `task` ends. Rejects as {@link acquire} and `task` do. */
  async run<T>(task: () => T | PromiseLike<T>, signal?: AbortSignal): Promise<T> {
    const permit = await this.acquire(signal);
    try {
      return await task();
    } finally {
      permit.release();
    }
  }

  #newPermit(): Permit {
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#handOn();
    };
    return { release, [Symbol.dispose]: release };
  }

  /** A permit that comes back goes straight to the one who has waited longest, so that nobody can slip in between. */
  #handOn(): void {
    const grant = this.#waiting.shift();
    if (grant === undefined) this.#available += 1;
    else grant(this.#newPermit());
  }
}
