/** Conditional and range requests for handlers that answer them by hand (RFC 9110 §13, §14); the rules are in `http/`. */

import { evaluateConditions, isRangeFresh, readConditions, type Validators } from "../../http/conditional.js";
import { type ByteRange, formatContentRange, parseByteRanges } from "../../http/range.js";
import type { FieldLines } from "../../http1/sinks.js";
import { findField } from "../field-lookup.js";
import { HttpError } from "../http-error.js";

/** What is there, and when. */
export interface RangeSubject {
  /** Bytes of the whole. */
  readonly size: number;
  readonly current: Validators;
  /** The time of the answer, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** Whether the answer is 304. */
export function isFresh(method: string, fields: FieldLines, current: Validators): boolean {
  const conditions = readConditions(fields);
  return conditions !== undefined && evaluateConditions(method, conditions, current) === "not-modified";
}

/** Throws `HttpError` 412 where the answer is that. */
export function requirePreconditions(method: string, fields: FieldLines, current: Validators | undefined): void {
  const conditions = readConditions(fields);
  if (conditions === undefined || evaluateConditions(method, conditions, current) !== "failed") return;
  throw new HttpError(412, "What is there is not what the request expects", { code: "server/precondition-failed" });
}

/** The parts asked for; undefined for the whole. Throws `HttpError` 416 with the size (§15.5.17). */
export function requestedRanges(
  method: string,
  fields: FieldLines,
  { size, current, nowMs }: RangeSubject,
): readonly ByteRange[] | undefined {
  // RFC 9110 §14.2: to any other method it means nothing.
  if (method !== "GET") return undefined;
  const ranges = parseByteRanges(findField(fields, "range"), size);
  if (ranges === undefined || !isRangeFresh(findField(fields, "if-range"), current, nowMs)) return undefined;
  if (ranges !== "unsatisfiable") return ranges;
  throw new HttpError(416, `The ranges lie outside of ${size} bytes`, {
    code: "server/range",
    headers: { "Content-Range": formatContentRange(undefined, size) },
  });
}
