/** What a piece of cancellable work looks like, for everything in this folder that runs some. */

/** Called when its turn has come; should end early, rejecting with the signal's reason, when `signal` aborts. */
export type Task<T> = (signal: AbortSignal) => T | PromiseLike<T>;

/** Calls `task`; a throw becomes a rejection. */
export function startTask<T>(task: Task<T>, signal: AbortSignal): Promise<T> {
  try {
    return Promise.resolve(task(signal));
  } catch (error) {
    return Promise.reject(error);
  }
}
