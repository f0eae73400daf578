/** Field values and targets: nothing in them may throw, and what is understood survives a round trip. */
import { codingsOf } from "../../packages/sluice/dist/body/content-coding.js";
import { PayloadError } from "../../packages/sluice/dist/errors.js";
import { negotiateEncoding, negotiateMediaType, parsePreferences } from "../../packages/sluice/dist/http/accept.js";
import { formatHttpDate, parseHttpDate } from "../../packages/sluice/dist/http/dates.js";
import { formatMediaType, parseMediaType } from "../../packages/sluice/dist/http/media-type.js";
import { parseUrl } from "../../packages/sluice/dist/http/parse-url.js";
import { showUrl } from "../../packages/sluice/dist/http/redact.js";
import { parseRetryAfter } from "../../packages/sluice/dist/http/retry-after.js";
import { parseAuthority, parseRequestTarget } from "../../packages/sluice/dist/http/target.js";

const NOW = Date.UTC(2026, 0, 1);
const TEXTS = [
  'text/html; charset="utf-8"; q=0.5',
  'application/problem+json;a=b;c="d\\"e"',
  "text/*;q=0.3, text/html;q=0.7, */*;q=0, gzip;q=1.000, *",
  "Sun, 06 Nov 1994 08:49:37 GMT",
  "Sunday, 06-Nov-94 08:49:37 GMT",
  "Sun Nov  6 08:49:37 1994",
  "120",
  "http://user:secret@example.com:8080/a/b?c=d#e",
  "/path/../x%2F?query",
  "example.com:443",
  "[2001:db8::1]:80",
  "gzip, br, x-gzip, identity",
];
const METHODS = ["GET", "CONNECT", "OPTIONS"];

export const corpus = TEXTS.map((text) => Buffer.from(text, "latin1"));
export const dictionary = [
  ";",
  ",",
  "q=",
  "q=1.0001",
  "*/*",
  '"',
  "\\",
  "GMT",
  "29 Feb 2023",
  "24:00:60",
  "[",
  "]",
  ":",
  "@",
  "%",
  "%zz",
  "//",
  "http://",
  "\t",
];

export function run(input, random) {
  const text = input.toString("latin1");
  const type = parseMediaType(text);
  if (type !== undefined) checkMediaType(type);
  for (const { quality } of parsePreferences(text))
    if (quality !== undefined && !(quality >= 0 && quality <= 1)) throw new Error(`quality ${quality}`);
  negotiateMediaType(text, ["text/html", "application/json"]);
  negotiateEncoding(text, ["gzip", "br", "identity"]);
  const date = parseHttpDate(text, NOW);
  if (date !== undefined && parseHttpDate(formatHttpDate(date), NOW) !== date)
    throw new Error(`The date ${text} changed`);
  const wait = parseRetryAfter(text, NOW);
  if (wait !== undefined && !(wait >= 0)) throw new Error(`Retry-After gave ${wait}`);
  parseAuthority(text);
  parseRequestTarget(text, random.pick(METHODS));
  const shown = showUrl(text);
  if (isWebUrl(text) && (parseUrl(shown)?.password ?? "") !== "") throw new Error(`It shows in ${shown}`);
  try {
    codingsOf(text);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
  }
}

/** Other schemes are never requested, and what stands in them for user information is a matter of taste. */
function isWebUrl(text) {
  return /^(https?|wss?):$/.test(parseUrl(text)?.protocol ?? "");
}

function checkMediaType(type) {
  const written = formatMediaType(type.essence, type.parameters);
  if (written === undefined) return;
  const again = parseMediaType(written);
  const pairs = JSON.stringify([...type.parameters]);
  if (again?.essence !== type.essence || JSON.stringify([...again.parameters]) !== pairs)
    throw new Error(`${written} is read otherwise`);
}
