/**
 * Numbers that clients write into paths and queries, read strictly: digits, and for seconds a fraction. As in httpbin, a path
 * whose number is none is no path (404); everything else malformed is a 400 that says what was expected. Names in
 * queries count in any case of letters.
 */

import { HttpError } from "sluice/server";

const DIGITS = /^[0-9]+$/;
const SECONDS = /^[0-9]{1,9}(?:\.[0-9]{1,9})?$/;
const SECOND_MS = 1_000;

/** A whole number from a path, cut down to what a number can say exactly. Throws `HttpError` 404 for anything else. */
export function countInPath(text: string): number {
  if (!DIGITS.test(text)) throw new HttpError(404, "There is nothing at this path: expected a whole number in it");
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

/** Seconds from a path, in milliseconds. Throws `HttpError` 400. */
export function secondsInPath(text: string): number {
  return toMilliseconds("the delay", text);
}

/** The first value of a query parameter, whatever the case of its name. */
export function valueInQuery(query: URLSearchParams, name: string): string | undefined {
  for (const [key, value] of query) if (key.toLowerCase() === name) return value;
  return undefined;
}

/** A whole number from a query. Throws `HttpError` 400. */
export function countInQuery(query: URLSearchParams, name: string, fallback: number): number {
  const text = valueInQuery(query, name);
  if (text === undefined) return fallback;
  if (!DIGITS.test(text)) throw new HttpError(400, `Cannot use ${name}: expected a whole number`);
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

/** Seconds from a query, in milliseconds; `fallbackMs` are milliseconds. Throws `HttpError` 400. */
export function secondsInQuery(query: URLSearchParams, name: string, fallbackMs: number): number {
  const text = valueInQuery(query, name);
  return text === undefined ? fallbackMs : toMilliseconds(name, text);
}

function toMilliseconds(what: string, text: string): number {
  if (!SECONDS.test(text)) throw new HttpError(400, `Cannot use ${what}: expected seconds, such as 2 or 0.5`);
  return Number(text) * SECOND_MS;
}
