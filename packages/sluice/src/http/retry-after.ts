/** `Retry-After` (RFC 9110 §10.2.3): how long to wait, said as seconds or as a moment. */

import { parseDigits, trimOws } from "../bytes/ascii.js";
import { parseHttpDate } from "./dates.js";

/**
 * Milliseconds to wait from `nowMs` (Unix epoch) on, 0 if the moment has passed, or undefined if `value` is neither seconds nor a
 * date. Not capped: years are for the caller to refuse.
 */
export function parseRetryAfter(value: string, nowMs: number): number | undefined {
  const text = trimOws(value);
  if (/^[0-9]+$/.test(text)) {
    // Digits beyond what a number holds mean "longer than you will ever wait".
    const seconds = parseDigits(text) ?? Number.MAX_SAFE_INTEGER;
    return Math.min(seconds * 1_000, Number.MAX_SAFE_INTEGER);
  }
  const timeMs = parseHttpDate(text, nowMs);
  return timeMs === undefined ? undefined : Math.max(0, timeMs - nowMs);
}
