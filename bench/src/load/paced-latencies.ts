/**
 * Latency below saturation: requests fall due at a steady rate, and each is timed from the moment at which it was due, not from that
 * at which a connection was free for it. A server that stands still is charged for everything that had to wait meanwhile.
 */
import { performance } from "node:perf_hooks";

/** How fast, and for how long. */
export interface PacedOrder {
  /** Requests a second. */
  readonly rate: number;
  /** Not measured: connections and caches get warm. */
  readonly leadIn: number;
  readonly milliseconds: number;
}

/** Milliseconds below which half of the answers came, and 99 of 100. */
export interface PacedLatencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** A connection that can have one request answered. */
export interface PacedLane {
  start(asking: false): Promise<void>;
}

const SECOND_MS = 1_000;

/** Rejects when a connection fails. */
export function pacedLatencies(lanes: readonly PacedLane[], order: PacedOrder): Promise<PacedLatencies> {
  const { rate, leadIn, milliseconds } = order;
  const latencies: number[] = [];
  const free = [...lanes];
  const begin = performance.now();
  const all = Math.floor((rate * (leadIn + milliseconds)) / SECOND_MS);
  const unmeasured = Math.floor((rate * leadIn) / SECOND_MS);
  const dueAt = (index: number) => begin + (index * SECOND_MS) / rate;
  let [asked, answered] = [0, 0];
  return new Promise((resolve, reject) => {
    const askDue = (): void => {
      const now = performance.now();
      while (asked < all && dueAt(asked) <= now) {
        const lane = free.pop();
        if (lane === undefined) return;
        ask(lane, asked);
        asked += 1;
      }
    };
    const ask = (lane: PacedLane, index: number): void => {
      lane.start(false).then(() => {
        if (index >= unmeasured) latencies.push(performance.now() - dueAt(index));
        answered += 1;
        free.push(lane);
        if (answered === all) resolve(summaryOf(latencies));
        else askDue();
      }, reject);
    };
    // A timer would be a millisecond late or more; nothing else is to be done here.
    const tick = (): void => {
      askDue();
      if (asked < all) setImmediate(tick);
    };
    tick();
  });
}

/** Throws for nothing measured. */
function summaryOf(latencies: number[]): PacedLatencies {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  const [p50, p99] = [at(0.5), at(0.99)];
  if (p50 === undefined || p99 === undefined)
    throw new Error("No answer was measured: the rate or the time is too small");
  return { count: latencies.length, p50, p99 };
}
