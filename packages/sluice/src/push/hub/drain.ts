/** Doing something to many, evenly over a time. */

import type { Clock } from "../../concurrency/clock.js";
import { sleep } from "../../concurrency/sleep.js";

/** How often something is done. */
const STEP_MS = 50;

/** Calls `act` for each item within `overMs` milliseconds, in steps; all at once for 0. */
export async function spread<T>(
  clock: Clock,
  overMs: number,
  items: readonly T[],
  act: (item: T) => void,
): Promise<void> {
  const steps = Math.max(Math.ceil(overMs / STEP_MS), 1);
  const perStep = Math.ceil(items.length / steps);
  for (let start = 0; start < items.length; start += perStep) {
    if (start > 0) await sleep(STEP_MS, { clock });
    for (const item of items.slice(start, start + perStep)) act(item);
  }
}
