/** Counts of a whole run, in constant memory whatever it does. */
import { Histogram } from "./histogram.js";
import { isFine, type Outcome } from "./outcome.js";

/** Different error codes that are counted apart; the library has fewer. */
const MOST_CODES = 64;
const OTHER_CODES = "other";

/** What has happened so far. */
export class Tally {
  /** Latencies of what was answered. */
  readonly latencies = new Histogram();
  /** Answers by the first digit of their status. */
  readonly statusClasses = new Map<number, number>();
  /** Failures by code. */
  readonly errors = new Map<string, number>();
  /** Answered or failed. */
  done = 0;
  /** Of those: failed, or answered with 400 or more. */
  failed = 0;
  /** Begun and not done. */
  inFlight = 0;
  /** Bytes of bodies so far, decoded; of bodies under way as well. */
  bytes = 0;
  /** Stopped before they were done. */
  left = 0;
  /** Passed over, because an earlier run has done them. */
  doneBefore = 0;

  add(outcome: Outcome): void {
    if (outcome.kind === "left") {
      this.left += 1;
      return;
    }
    this.done += 1;
    if (!isFine(outcome)) this.failed += 1;
    if (outcome.kind === "answered") {
      this.latencies.record(outcome.latency);
      increment(this.statusClasses, Math.floor(outcome.status / 100));
    } else {
      const known = this.errors.has(outcome.code) || this.errors.size < MOST_CODES;
      increment(this.errors, known ? outcome.code : OTHER_CODES);
    }
  }
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
