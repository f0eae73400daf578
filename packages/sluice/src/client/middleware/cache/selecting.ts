/**
 * Which stored response a request selects (RFC 9111 §4.1): the values of the request fields that `Vary` nominates, kept as
 * digests, for some of them are secret.
 *
 * A cache stands before whatever adds fields on the way to the wire: authentication, the cookie jar. Cookies it asks the jar for.
 * Where anything else was added that `Vary` nominates, no later request could be compared, and the response is not stored.
 */
import type { FieldLines } from "../../../http1/sinks.js";
import { sha256 } from "../../../platform/digest.js";
import { findField } from "../../field-lines.js";
import type { ClientRequest } from "../../request.js";
import type { CacheEntry } from "./store/cache-store.js";

const NOT_SENT = "";

/** The selecting fields of the answer `fields` to `request`, which left as `sent`; undefined if it cannot be selected again. */
export function selectingFields(
  fields: FieldLines,
  request: ClientRequest,
  sent: ClientRequest,
): readonly string[] | undefined {
  const selecting: string[] = [];
  for (const name of nominated(fields)) {
    if (name === "*") return undefined;
    const value = joined(sent.fields, name);
    if (value !== visibleValue(request, name)) return undefined;
    selecting.push(name, digestOf(value));
  }
  return selecting;
}

/** Whether `request` would get this entry, as far as its fields decide, in a form that it can read. */
export function selects(request: ClientRequest, entry: CacheEntry): boolean {
  const { selecting, fields, decoded } = entry;
  const coded = findField(fields, "content-encoding") !== undefined;
  if (coded && decoded !== request.settings.decompress) return false;
  for (let at = 0; at < selecting.length; at += 2) {
    if (digestOf(visibleValue(request, selecting[at] ?? "")) !== selecting[at + 1]) return false;
  }
  return true;
}

/** Whether the two stand for the same requests. */
export function isSameVariant(one: CacheEntry, other: CacheEntry): boolean {
  return one.decoded === other.decoded && one.selecting.join() === other.selecting.join();
}

/** All lines of one name as one value (RFC 9110 §5.3), undefined if there are none; `name` is lower-case. */
export function joined(fields: FieldLines, name: string): string | undefined {
  let value: string | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== name) continue;
    value = value === undefined ? (fields[at + 1] ?? "") : `${value}, ${fields[at + 1]}`;
  }
  return value;
}

/** Lower-case names in order, each once. */
function nominated(fields: FieldLines): string[] {
  const vary = joined(fields, "vary");
  if (vary === undefined) return [];
  const names = vary.split(",").map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== ""))].sort();
}

/** What the request has for a field when it leaves, as far as can be known before. */
function visibleValue(request: ClientRequest, name: string): string | undefined {
  const own = joined(request.fields, name);
  if (name !== "cookie") return own;
  const kept = request.settings.jar?.cookieHeader(request.target.url);
  if (own === undefined) return kept;
  return kept === undefined ? own : `${own}; ${kept}`;
}

function digestOf(value: string | undefined): string {
  return value === undefined ? NOT_SENT : sha256(value);
}
