/**
 * What may be shown of a request in messages, logs, traces and `inspect`: the one place that decides what is secret
 * (RFC 9110 §17.9 on sensitive URIs, §4.2.4 on user information, §11.6 on credentials).
 */

import { isOws } from "../bytes/ascii.js";
import { parseUrl } from "./parse-url.js";

/** Stands for what is not shown. */
export const HIDDEN = "…";

const SECRET_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  // Not credentials by name, but their values are as good as such (RFC 7615, RFC 6455 leaves keys harmless).
  "authentication-info",
  "proxy-authentication-info",
]);

/** True if the field's value must not be shown; `extra` holds further names in lower case. */
export function isSecretField(name: string, extra?: ReadonlySet<string>): boolean {
  const lower = name.toLowerCase();
  return SECRET_FIELDS.has(lower) || (extra?.has(lower) ?? false);
}

/**
 * `url` fit to be shown: user information dropped, query values and fragment hidden, except the query parameters named in
 * `showQuery`; control characters and spaces percent-encoded, so that it stays one word in a log. Takes anything, valid or not, and
 * never throws. A query piece without "=" is hidden as a whole: it may be the secret itself.
 */
export function showUrl(url: string | URL, showQuery?: ReadonlySet<string>): string {
  const text = typeof url === "string" ? asParsed(url) : url.href;
  const fragmentAt = text.indexOf("#");
  const withoutFragment = fragmentAt === -1 ? text : text.slice(0, fragmentAt);
  const queryAt = withoutFragment.indexOf("?");
  const resource = queryAt === -1 ? withoutFragment : withoutFragment.slice(0, queryAt);
  let shown = dropUserInfo(resource);
  if (queryAt !== -1) shown += `?${hideQuery(withoutFragment.slice(queryAt + 1), showQuery)}`;
  if (fragmentAt !== -1) shown += `#${HIDDEN}`;
  const result = escapeControls(shown);
  return hasUserInfo(result) ? HIDDEN : result;
}

/** The last word: what a parser would still find user information in is not shown at all. */
function hasUserInfo(text: string): boolean {
  const parsed = text.includes("@") ? parseUrl(text) : undefined;
  return parsed !== undefined && (parsed.username !== "" || parsed.password !== "");
}

/** URL parsers pass over tabs and line breaks: left in, they would hide where an authority, and its user information, begins. */
function asParsed(url: string): string {
  return url.includes("@") ? url.replace(/[\t\n\r]/g, "") : url;
}

/** Parsers differ on what an authority is where slashes and backslashes mix: all before the last "@" of it goes. */
function dropUserInfo(resource: string): string {
  const known = schemeLength(resource);
  // What no parser of ours takes apart is shown from its last "@" on: it may be a URL after something else.
  if (known === undefined && /[/\\]{2}/.test(resource)) return fromLastAt(resource);
  const start = known ?? 0;
  const path = resource.slice(start).search(known === undefined ? /\// : /[/\\]/);
  const authorityEnd = path === -1 ? resource.length : start + path;
  const at = resource.lastIndexOf("@", authorityEnd - 1);
  return at < start ? resource : resource.slice(0, start) + resource.slice(at + 1);
}

function fromLastAt(resource: string): string {
  const start = /^[^:/\\@]*:?[/\\]{2,}/.exec(resource)?.[0].length ?? 0;
  const at = resource.lastIndexOf("@");
  return at < start ? resource : resource.slice(0, start) + resource.slice(at + 1);
}

/** `http:user@host` and `http:/user@host` have an authority to WHATWG parsers, which want no slashes after these schemes. */
function schemeLength(resource: string): number | undefined {
  return /^[^a-z]*(?:https?|wss?|ftp):[/\\]*/i.exec(resource)?.[0].length;
}

function hideQuery(query: string, showQuery: ReadonlySet<string> | undefined): string {
  return query
    .split("&")
    .map((piece) => hidePiece(piece, showQuery))
    .join("&");
}

function hidePiece(piece: string, showQuery: ReadonlySet<string> | undefined): string {
  if (piece === "") return piece;
  const equals = piece.indexOf("=");
  const name = equals === -1 ? piece : piece.slice(0, equals);
  if (showQuery?.has(decodeName(name))) return piece;
  return equals === -1 ? HIDDEN : `${name}=${HIDDEN}`;
}

function decodeName(name: string): string {
  // URLSearchParams never throws, and decodes as every form does.
  const [first] = new URLSearchParams(`${name}=`);
  return first === undefined ? name : first[0];
}

function escapeControls(text: string): string {
  let shown = "";
  for (const character of text) {
    const code = character.charCodeAt(0);
    const isHarmless = code > 0x20 && code !== 0x7f && !(code >= 0x80 && code <= 0xa0) && !isOws(code);
    shown += isHarmless ? character : `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return shown;
}
