/**
 * Conditional requests (RFC 9110 §13): whether a request goes through, given what it knows of the thing it asks for and what that
 * thing is now. One function holds the order of §13.2.2, so that no two places can disagree about which field goes first.
 *
 * Times come as milliseconds and are compared in whole seconds, as HTTP dates have them. A modification date is a weak validator:
 * a thing that changes twice in a second has one date for two contents. Where "the same bytes" is asked (`If-Range`), a date
 * counts only when the second it names was over by the time of the answer (§8.8.2.2).
 */

import { trimOws } from "../bytes/ascii.js";
import { parseHttpDate } from "./dates.js";
import { isEntityTag, matchesStrongly, matchesWeakly, readEntityTags } from "./entity-tag.js";

const SECOND_MS = 1_000;

/** The conditions of a request, as its field lines have them; undefined for those it does not make. */
export interface Conditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
  readonly ifRange?: string | undefined;
}

/** What tells one content of a thing from another (RFC 9110 §8.8). */
export interface Validators {
  /** With its quotes, and `W/` where it is weak. */
  readonly etag?: string | undefined;
  /** In milliseconds since the Unix epoch. */
  readonly lastModified?: number | undefined;
}

/** `proceed`: do what was asked; `not-modified`: answer 304; `failed`: answer 412, and change nothing. */
export type Verdict = "proceed" | "not-modified" | "failed";

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

const NAMES: ReadonlyMap<string, keyof Conditions> = new Map([
  ["if-match", "ifMatch"],
  ["if-none-match", "ifNoneMatch"],
  ["if-modified-since", "ifModifiedSince"],
  ["if-unmodified-since", "ifUnmodifiedSince"],
  ["if-range", "ifRange"],
]);

/**
 * The conditions among the field lines (name, value, name, value …) of a request, or undefined if it makes none. Several lines of
 * one name are a list (RFC 9110 §5.3), which a date cannot be: such a date is malformed, hence passed over (§13.1.3).
 */
export function readConditions(fields: readonly string[]): Conditions | undefined {
  let conditions: Writable<Conditions> | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    // "I" or "i", and no other request field of everyday's: most lines are told by their first characters.
    if ((name.charCodeAt(0) | 0x20) !== 0x69 || name[2] !== "-") continue;
    const condition = NAMES.get(name.toLowerCase());
    if (condition === undefined) continue;
    conditions ??= {};
    const earlier = conditions[condition];
    const value = fields[index + 1] ?? "";
    conditions[condition] = earlier === undefined ? value : `${earlier}, ${value}`;
  }
  return conditions;
}

/**
 * What the conditions say to a request of `method`, in the order of RFC 9110 §13.2.2. `current` is undefined where there is nothing
 * yet, as before a PUT that creates. To be asked only when the answer would otherwise be a success (§13.2.1). `If-Range` has a
 * question of its own: {@link isRangeFresh}.
 */
export function evaluateConditions(method: string, conditions: Conditions, current: Validators | undefined): Verdict {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!isListed(ifMatch, current, matchesStrongly)) return "failed";
  } else if (ifUnmodifiedSince !== undefined && changedSince(ifUnmodifiedSince, current) === true) {
    return "failed";
  }
  const reading = method === "GET" || method === "HEAD";
  if (ifNoneMatch !== undefined) {
    if (!isListed(ifNoneMatch, current, matchesWeakly)) return "proceed";
    return reading ? "not-modified" : "failed";
  }
  if (reading && ifModifiedSince !== undefined && changedSince(ifModifiedSince, current) === false)
    return "not-modified";
  return "proceed";
}

/**
 * Whether the ranges of a request may be served out of `current` (RFC 9110 §13.1.5): true without `If-Range`. False asks for the
 * whole: the parts the client has are of another content. `nowMs` is the time of the answer.
 */
export function isRangeFresh(ifRange: string | undefined, current: Validators, nowMs: number): boolean {
  if (ifRange === undefined) return true;
  const validator = trimOws(ifRange);
  if (isEntityTag(validator)) return current.etag !== undefined && matchesStrongly(validator, current.etag);
  const { lastModified } = current;
  const date = parseHttpDate(validator, nowMs);
  if (date === undefined || lastModified === undefined) return false;
  const changed = wholeSeconds(lastModified);
  return date === changed && wholeSeconds(nowMs) >= changed + SECOND_MS;
}

function isListed(
  value: string,
  current: Validators | undefined,
  matches: (one: string, other: string) => boolean,
): boolean {
  if (current === undefined) return false;
  const { etag } = current;
  // Nearly always it is the one tag we gave out.
  if (etag !== undefined && value === etag) return matches(value, etag);
  const tags = readEntityTags(value);
  return tags === "*" || (etag !== undefined && tags.some((tag) => matches(tag, etag)));
}

/** Whether it is newer than `date`; undefined if one of the two is not known, and the condition is to be passed over. */
function changedSince(date: string, current: Validators | undefined): boolean | undefined {
  const since = parseHttpDate(trimOws(date));
  const lastModified = current?.lastModified;
  return since === undefined || lastModified === undefined ? undefined : wholeSeconds(lastModified) > since;
}

function wholeSeconds(timeMs: number): number {
  return Math.floor(timeMs / SECOND_MS) * SECOND_MS;
}
