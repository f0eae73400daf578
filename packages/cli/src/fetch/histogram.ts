/**
 * Latencies in constant memory: buckets whose bounds grow by 2 %, so that a percentile is off by 2 % at most, whether it is 50 µs
 * or 5 minutes. Least and greatest are exact.
 */

/** Bound of the first bucket, in milliseconds; everything faster is in it. */
const FIRST_BOUND_MS = 0.05;
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** Up to about one day; everything slower is in the last bucket. */
const BUCKET_COUNT = 1_080;

/** How often which latency was seen. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  #count = 0;
  #max = 0;
  #min = Number.POSITIVE_INFINITY;

  /** How many were recorded. */
  get count(): number {
    return this.#count;
  }

  /** The greatest, in milliseconds; 0 when there is none. */
  get max(): number {
    return this.#max;
  }

  /** `ms`: 0 or more. */
  record(ms: number): void {
    const bucket = bucketOf(ms);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#max = Math.max(this.#max, ms);
    this.#min = Math.min(this.#min, ms);
  }

  /** The latency that `share` (0 to 1) of all stay within, in milliseconds; 0 when there is none. */
  percentile(share: number): number {
    if (this.#count === 0) return 0;
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket += 1) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= wanted) return Math.min(this.#max, Math.max(this.#min, upperBound(bucket)));
    }
    return this.#max;
  }
}

function bucketOf(ms: number): number {
  if (ms <= FIRST_BOUND_MS) return 0;
  return Math.min(BUCKET_COUNT - 1, Math.ceil(Math.log(ms / FIRST_BOUND_MS) / LOG_GROWTH));
}

function upperBound(bucket: number): number {
  return bucket === BUCKET_COUNT - 1 ? Number.POSITIVE_INFINITY : FIRST_BOUND_MS * GROWTH ** bucket;
}
