/** What of a request and an answer goes into lines, and how: nothing that clients wrote can break out of its place or give secrets away. */

import { HIDDEN, isSecretField, showUrl } from "../../http/redact.js";
import type { AccessLogEntry, Shown } from "./entry.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const UNSAFE = /["\\]|[^ -~]/g;
const STAND_IN = "http://target.invalid";
/** Fields whose values are URLs. */
const URL_FIELDS: ReadonlySet<string> = new Set(["referer", "location", "content-location", "origin"]);

/** `GET /path?x=… HTTP/1.1` */
export function requestLine({ request }: AccessLogEntry, shown: Shown): string {
  return `${logEscape(request.method)} ${logEscape(showTarget(request.target, shown.query))} HTTP/${request.httpVersion}`;
}

/** `10/Oct/2000:13:55:36 +0000` */
export function commonTime(wallTimeMs: number): string {
  const date = new Date(wallTimeMs);
  const day = `${pad(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())} +0000`;
}

/** A request-target as {@link showUrl} shows URLs. */
export function showTarget(target: string, query: ReadonlySet<string>): string {
  if (!target.startsWith("/")) return target === "*" ? target : showUrl(target, query);
  return showUrl(STAND_IN + target, query).slice(STAND_IN.length);
}

/** The value of a field fit to be shown, or undefined for none. `name` in lower case. */
export function showField(name: string, value: string | null, shown: Shown): string | undefined {
  if (value === null) return undefined;
  if (isSecretField(name, shown.hiddenFields)) return HIDDEN;
  return URL_FIELDS.has(name) ? showUrl(value, shown.query) : value;
}

/** Apache's way: `\"`, `\\`, and `\xhh` for the rest. The `…` of hidden values is ours and stays. */
export function logEscape(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    if (character === HIDDEN) return character;
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : unicodeEscape(character);
  });
}

/** `\u2028` */
export function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
