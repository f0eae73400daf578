/** What is at the foot of a terminal is painted anew at most ten times a second. */
import { sleep } from "sluice";

const REPAINT_MS = 100;

/** Calls `paint` now, and again and again until `signal` aborts. */
export async function repaint(paint: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    paint();
    await sleep(REPAINT_MS, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
