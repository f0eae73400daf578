/** Waiting for time to pass, in a way that can be cancelled. */
import { UsageError } from "../errors.js";
import { onAbort } from "./abort.js";
import { type Clock, systemClock } from "./clock.js";
import { CallbackDeadline } from "./deadline.js";

/** What may end a {@link sleep}, and whose time it takes. */
export interface SleepOptions {
  /** Ends the sleep: it rejects with the signal's `reason` itself. */
  readonly signal?: AbortSignal | undefined;
  /** Whose time is meant. @default the system's monotonic clock */
  readonly clock?: Clock | undefined;
}

/**
 * Resolves when `ms` milliseconds have passed, never earlier; the process stays up until then. A negative delay counts as 0,
 * which still waits for a later turn of the event loop. `Infinity` sleeps until the signal aborts and holds no process.
 * Rejects with the signal's reason, at once if it has aborted already; throws UsageError `options/out-of-range` for NaN.
 */
export function sleep(ms: number, options: SleepOptions = {}): Promise<void> {
  const { signal, clock = systemClock } = options;
  if (Number.isNaN(ms)) throw new UsageError("options/out-of-range", "Cannot sleep: the delay is NaN");
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const deadline = new CallbackDeadline(() => {
      stopListening();
      resolve();
    });
    const stopListening = onAbort(signal, (reason) => {
      clock.disarm(deadline);
      reject(reason);
    });
    clock.arm(deadline, ms, true);
  });
}
