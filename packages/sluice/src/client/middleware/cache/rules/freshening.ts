/** What a stored response takes from a newer head (RFC 9111 §3.1, §3.2, §4.3.4, §4.3.5), and which one that head is about. */
import { isWeakTag, matchesStrongly, matchesWeakly } from "../../../../http/entity-tag.js";
import type { FieldLines } from "../../../../http1/sinks.js";
import { fieldsWithout, findField } from "../../../field-lines.js";
import type { ClientResponse } from "../../../response.js";
import { joined } from "../selecting.js";
import type { CacheEntry } from "../store/cache-store.js";

/** Belong to the connection, or to one step of the way (RFC 9110 §7.6.1). */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Describe the content that is kept, which a head without content does not change (§3.2). */
const ABOUT_THE_CONTENT: ReadonlySet<string> = new Set(["content-length", "content-encoding", "content-range"]);

/** The field lines that are stored (§3.1). */
export function storedFields(fields: FieldLines): string[] {
  const named = new Set((joined(fields, "connection") ?? "").split(",").map((name) => name.trim().toLowerCase()));
  return fieldsWithout(fields, (name) => OF_THE_CONNECTION.has(name) || named.has(name));
}

/** The stored field lines with those of a newer head in place of the old ones (§3.2). */
export function updatedFields(stored: FieldLines, newer: FieldLines): string[] {
  const added = fieldsWithout(storedFields(newer), (name) => ABOUT_THE_CONTENT.has(name));
  const replaced = new Set<string>();
  for (let at = 0; at < added.length; at += 2) replaced.add((added[at] ?? "").toLowerCase());
  // Each is about one moment: a newer head without it says that there is none any more.
  replaced.add("age");
  return [...fieldsWithout(stored, (name) => replaced.has(name)), ...added];
}

/** Whether a 304 is about this entry, which a request of ours asked it about (§4.3.4). */
export function isValidatedBy(entry: CacheEntry, answer: ClientResponse): boolean {
  const etag = findField(answer.fields, "etag");
  const own = findField(entry.fields, "etag");
  if (etag !== undefined) {
    return own !== undefined && (isWeakTag(etag) ? matchesWeakly(own, etag) : matchesStrongly(own, etag));
  }
  const modified = findField(answer.fields, "last-modified");
  // Without a validator it can only be about what was asked.
  return modified === undefined || modified === findField(entry.fields, "last-modified");
}

/** Whether the entry is another representation of the very same content: the same strong validator (§4.3.4). */
export function sharesStrongValidator(entry: CacheEntry, answer: ClientResponse): boolean {
  const etag = findField(answer.fields, "etag");
  return etag !== undefined && matchesStrongly(etag, findField(entry.fields, "etag") ?? "");
}

/** Whether what the answer to a HEAD says of the content still holds for this entry (§4.3.5). */
export function agreesWithHead(entry: CacheEntry, answer: ClientResponse): boolean {
  return ["etag", "last-modified", "content-length"].every((name) => {
    const value = findField(answer.fields, name);
    return value === undefined || value === findField(entry.fields, name);
  });
}
