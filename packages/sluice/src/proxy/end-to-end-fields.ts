/**
 * Which fields of a message are for its far end, and which were for us alone (RFC 9110 §7.6.1): those that `Connection` names, those
 * that are known to belong to one connection, and those that the proxy writes itself.
 *
 * Names are compared as the most careless origin would: many turn every character that is neither letter nor digit into the same
 * one (`X_Forwarded_For`, CGI's `HTTP_X_FORWARDED_FOR`), so a look-alike of a field that is taken out is taken out as well.
 */

import { isForbiddenTrailer } from "../http/trailer-fields.js";
import type { FieldLines } from "../http1/sinks.js";

/** Of one connection, whether `Connection` names them or not. `proxy` is no field, but origins by CGI take it for a setting. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"],
  ...["proxy", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "proxy-connection"],
]);
const NOT_PLAIN = /[^a-z0-9-]/;
const EVERY_NOT_PLAIN = /[^a-z0-9-]/g;

/** The lines of `fields` that travel on; `taken` says of a name, in lower case, whether the proxy writes it itself. */
export function endToEndFields(fields: FieldLines, taken: (name: string) => boolean): string[] {
  const nominated = connectionOptions(fields);
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    const lower = name.toLowerCase();
    const plain = NOT_PLAIN.test(lower) ? lower.replace(EVERY_NOT_PLAIN, "-") : lower;
    if (HOP_BY_HOP.has(plain) || nominated?.has(lower) === true || taken(plain)) continue;
    kept.push(name, fields[at + 1] ?? "");
  }
  return kept;
}

/** The lines of a trailer section that travel on: none that may not stand there (RFC 9110 §6.5.1). */
export function endToEndTrailers(trailers: FieldLines, taken: (name: string) => boolean): string[] {
  return endToEndFields(trailers, (name) => isForbiddenTrailer(name) || taken(name));
}

/** The names that a `Trailer` field announces and that may stand in a trailer section (RFC 9110 §6.6.2). */
export function announcedTrailers(list: string | undefined): readonly string[] {
  if (list === undefined) return [];
  const names = list.split(",").map((name) => name.trim());
  return names.filter((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !isForbiddenTrailer(name));
}

/** What `Connection` lists, in lower case; undefined for nothing. */
function connectionOptions(fields: FieldLines): ReadonlySet<string> | undefined {
  let options: Set<string> | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    if (name.length !== "connection".length || name.toLowerCase() !== "connection") continue;
    options ??= new Set();
    for (const option of (fields[at + 1] ?? "").split(",")) options.add(option.trim().toLowerCase());
  }
  return options;
}
