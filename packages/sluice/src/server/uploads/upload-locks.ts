/**
 * One request at a time for each upload, and the newest wins: a client that comes back after its connection has died must not wait until
 * the server notices the death. Whoever holds a lock is asked to give way when another request comes; it keeps what it has received,
 * lets go, and answers its own client, should that one still be there, that the upload was taken over.
 */

import { onAbort } from "../../concurrency/abort.js";
import { HttpError } from "../http-error.js";

/** Returns the lock. */
export type ReleaseLock = () => void;

/** Somebody who holds a lock or waits for it. */
interface Turn {
  /** Ends what its holder does as soon as that can be; undefined for what is short anyway. */
  readonly giveWay: (() => void) | undefined;
  readonly grant: () => void;
}

/** Requests that wait for one upload at once; a client needs one. */
const MAX_WAITING = 16;

/** Locks by the ids of uploads. */
export class UploadLocks {
  /** The first of each is the holder. */
  readonly #turns = new Map<string, Turn[]>();

  /** Whether somebody works on this upload. */
  isHeld(id: string): boolean {
    return this.#turns.has(id);
  }

  /**
   * Resolves when the upload is the caller's alone. Rejects with the signal's reason, and with `HttpError` 423 `upload/busy` if too many
   * wait already. `giveWay` may be called before this resolves.
   */
  acquire(id: string, signal: AbortSignal | undefined, giveWay?: () => void): Promise<ReleaseLock> {
    const turns = this.#turns.get(id);
    if (turns === undefined) {
      const turn: Turn = { giveWay, grant: () => undefined };
      this.#turns.set(id, [turn]);
      return Promise.resolve(this.#releaseOf(id, turn));
    }
    if (turns.length > MAX_WAITING) return Promise.reject(busy());
    turns[0]?.giveWay?.();
    return this.#wait(id, turns, signal, giveWay);
  }

  #wait(
    id: string,
    turns: Turn[],
    signal: AbortSignal | undefined,
    giveWay: (() => void) | undefined,
  ): Promise<ReleaseLock> {
    return new Promise((resolve, reject) => {
      const turn: Turn = {
        giveWay,
        grant: () => {
          stopListening();
          resolve(this.#releaseOf(id, turn));
        },
      };
      turns.push(turn);
      const stopListening = onAbort(signal, (reason) => {
        this.#leave(id, turn);
        reject(reason);
      });
    });
  }

  #releaseOf(id: string, turn: Turn): ReleaseLock {
    return () => this.#leave(id, turn);
  }

  #leave(id: string, turn: Turn): void {
    const turns = this.#turns.get(id);
    const at = turns?.indexOf(turn) ?? -1;
    if (turns === undefined || at < 0) return;
    turns.splice(at, 1);
    if (turns.length === 0) this.#turns.delete(id);
    if (at > 0) return;
    const [next] = turns;
    next?.grant();
    if (turns.length > 1) next?.giveWay?.();
  }
}

function busy(): HttpError {
  return new HttpError(423, "Cannot get at this upload: too many requests wait for it", {
    code: "upload/busy",
    headers: { "Retry-After": "1" },
  });
}
