/** What the endpoints share: caps, chance, and time. */

import { sleep } from "sluice";
import type { HttpbinSettings } from "./options.js";

/** Handed to every group of routes. */
export interface Service extends HttpbinSettings {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when that aborts, because then nobody waits any more. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Time is that of `settings.application.clock`, or else the system's. */
export function makeService(settings: HttpbinSettings): Service {
  const { clock } = settings.application;
  return {
    ...settings,
    now: () => (clock === undefined ? performance.now() : clock.now()),
    wait: (ms, signal) => sleep(ms, { signal, clock }),
  };
}
