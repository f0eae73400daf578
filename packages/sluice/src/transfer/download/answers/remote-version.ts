/**
 * Which version of a file a server gave, and whether another answer is of the same one (RFC 9110 §8.8). Only what stands for the same
 * bytes counts: a strong entity tag, or a date of change so long before the answer that a second change within its second is out of the
 * question (§8.8.2.2). Pure.
 */

import { parseHttpDate } from "../../../http/dates.js";
import { isEntityTag, isWeakTag, matchesStrongly, matchesWeakly } from "../../../http/entity-tag.js";

/** What is kept of an answer to know its version again. */
export interface RemoteVersion {
  /** As it was sent, weak or strong. */
  readonly etag: string | undefined;
  /** As it was sent. */
  readonly lastModified: string | undefined;
  /** Whether the date stands for the same bytes, see above. */
  readonly dateIsStrong: boolean;
  /** Bytes of the whole; undefined where the server does not say. */
  readonly size: number | undefined;
}

/** What `If-Range` says: one validator or the other, or nothing, so that the answer's own fields have to tell. */
export type ConditionForm = "etag" | "date" | "none";

/** `unknown`: the two have no validator in common that stands for the same bytes. */
export type Comparison = "same" | "changed" | "unknown";

/** Fields of an answer. */
interface Fields {
  get(name: string): string | null;
}

/** RFC 7232 §2.2.2 asks for as much; RFC 9110 leaves it to the recipient. */
const STRONG_DATE_AGE_MS = 60_000;

/** The version that an answer with these fields is of, where the whole has `size` bytes. */
export function versionOfAnswer(fields: Fields, size: number | undefined): RemoteVersion {
  const etag = fields.get("etag") ?? undefined;
  const lastModified = fields.get("last-modified") ?? undefined;
  return {
    etag: etag !== undefined && isEntityTag(etag) ? etag : undefined,
    lastModified,
    dateIsStrong: isStrongDate(lastModified, fields.get("date")),
    size,
  };
}

/** Whether two answers with what is known of them can be told to be of one version, by what stands for the same bytes. */
export function hasStrongValidator({ etag, dateIsStrong }: RemoteVersion): boolean {
  return (etag !== undefined && !isWeakTag(etag)) || dateIsStrong;
}

/** The best form that there is for {@link ifRangeValue}. A weak tag must not be sent there (RFC 9110 §13.1.5). */
export function firstCondition(version: RemoteVersion): ConditionForm {
  if (version.etag !== undefined && !isWeakTag(version.etag)) return "etag";
  return version.dateIsStrong ? "date" : "none";
}

/** The form to try after `form` was refused; undefined when there is no other. */
export function nextCondition(form: ConditionForm, version: RemoteVersion): ConditionForm | undefined {
  if (form === "none") return undefined;
  return form === "etag" && version.dateIsStrong ? "date" : "none";
}

/** The value of `If-Range` in that form; undefined for none. */
export function ifRangeValue(form: ConditionForm, version: RemoteVersion): string | undefined {
  if (form === "none") return undefined;
  return form === "etag" ? version.etag : version.lastModified;
}

/**
 * Whether `found` is of the version that is `known`. Sizes that differ are two versions whatever else they say; a strong tag decides
 * over dates; with `trustSize`, a size that is the same is enough where no validator contradicts.
 */
export function compareVersions(known: RemoteVersion, found: RemoteVersion, trustSize: boolean): Comparison {
  if (known.size !== undefined && found.size !== undefined && known.size !== found.size) return "changed";
  const byTag = compareTags(known.etag, found.etag);
  if (byTag !== "unknown") return byTag;
  if (known.lastModified !== undefined && found.lastModified !== undefined) {
    if (known.lastModified !== found.lastModified) return "changed";
    // A tag that was there and is not any more leaves the date to decide, and the other way round.
    if (known.dateIsStrong) return "same";
  }
  return trustSize && known.size !== undefined && known.size === found.size ? "same" : "unknown";
}

/** What of `found` differs from `known`, for people. */
export function describeChange(known: RemoteVersion, found: RemoteVersion): string {
  for (const [name, key] of [
    ["size", "size"],
    ["entity tag", "etag"],
    ["date", "lastModified"],
  ] as const) {
    if (known[key] !== found[key] && found[key] !== undefined)
      return `its ${name} was ${known[key]} and is ${found[key]}`;
  }
  return "the server says so";
}

function compareTags(known: string | undefined, found: string | undefined): Comparison {
  if (known === undefined || found === undefined) return "unknown";
  if (matchesStrongly(known, found)) return "same";
  return matchesWeakly(known, found) ? "unknown" : "changed";
}

function isStrongDate(lastModified: string | undefined, date: string | null): boolean {
  if (lastModified === undefined || date === null) return false;
  const changedAt = parseHttpDate(lastModified);
  const answeredAt = parseHttpDate(date);
  return changedAt !== undefined && answeredAt !== undefined && answeredAt - changedAt >= STRONG_DATE_AGE_MS;
}
