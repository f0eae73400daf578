/** A while of the process, a second usually, as the page gets it. */
export interface Sample {
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  /** How long it was, in milliseconds. */
  readonly span: number;
  /** Answers a second, and those of them with a status of 500 or more, or broken off. */
  readonly requests: number;
  readonly failures: number;
  /** Of these answers, in milliseconds; null if there was none. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** How much later than due timers ran, in milliseconds. */
  readonly delayMean: number;
  readonly delayMax: number;
  /** In bytes. */
  readonly rss: number;
  readonly heap: number;
  /** Connections of the server, and of these the ones that watch. */
  readonly connections: number;
  readonly watchers: number;
}
