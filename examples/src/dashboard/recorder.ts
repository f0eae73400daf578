/** Measures a process second by second: what its application answers, how late its timers are, what it holds in memory. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Application } from "sluice/server";
import type { Sample } from "./sample.js";

const NANOSECONDS_IN_MS = 1e6;
const RESOLUTION_MS = 10;
/** Latencies remembered of one second: beyond this each takes the place of a random one, so that percentiles stay right and memory small. */
const MOST_LATENCIES = 5_000;

export class Recorder {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #latencies: number[] = [];
  #requests = 0;
  #failures = 0;
  #since = performance.now();

  constructor(app: Application) {
    app.onResponse((_request, { status, durationMs, error }) => {
      this.#requests += 1;
      if (status >= 500 || error !== undefined) this.#failures += 1;
      if (this.#latencies.length < MOST_LATENCIES) this.#latencies.push(durationMs);
      else {
        const place = Math.floor(Math.random() * this.#requests);
        if (place < MOST_LATENCIES) this.#latencies[place] = durationMs;
      }
    });
    app.onStart(() => {
      this.#delay.enable();
      return () => void this.#delay.disable();
    });
  }

  /** What was measured since this was called last, as of one second. */
  take(counts: Pick<Sample, "connections" | "watchers">): Sample {
    const sorted = this.#latencies.sort((a, b) => a - b);
    const span = performance.now() - this.#since;
    const seconds = span / 1_000;
    const { rss, heapUsed } = process.memoryUsage();
    const sample: Sample = {
      at: Date.now(),
      span,
      requests: this.#requests / seconds,
      failures: this.#failures / seconds,
      p50: percentile(sorted, 0.5),
      p95: percentile(sorted, 0.95),
      p99: percentile(sorted, 0.99),
      delayMean: lateness(this.#delay.mean),
      delayMax: lateness(this.#delay.max),
      rss,
      heap: heapUsed,
      ...counts,
    };
    this.#latencies = [];
    this.#requests = this.#failures = 0;
    this.#since = performance.now();
    this.#delay.reset();
    return sample;
  }
}

function percentile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null;
}

/** The histogram has the whole time between two timers; what is more than they asked for is the delay. */
function lateness(nanoseconds: number): number {
  const ms = nanoseconds / NANOSECONDS_IN_MS - RESOLUTION_MS;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
