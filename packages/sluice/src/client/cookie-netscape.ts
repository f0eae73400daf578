/**
 * The `cookies.txt` of Netscape, which curl, wget, yt-dlp and Python's `MozillaCookieJar` share: a cookie a line, seven fields
 * with tabs between.
 *
 *   domain  subdomains-too  path  secure  expires  name  value
 *
 * `expires` is in seconds since the Unix epoch, 0 for a session cookie. Lines that begin with `#` are comments, except those that
 * begin with `#HttpOnly_`, as curl and browsers write it. There is no place for `SameSite`.
 */
import { UsageError } from "../errors.js";
import { isCookieText, type StoredCookie } from "./cookie-store.js";

const HEADER = "# Netscape HTTP Cookie File";
const HTTP_ONLY = "#HttpOnly_";

/** The text of a file with these cookies, one character a byte. */
export function formatNetscapeCookies(cookies: Iterable<StoredCookie>): string {
  const lines = [HEADER, ""];
  for (const { name, value, domain, hostOnly, path, secure, httpOnly, expires } of cookies) {
    const start = `${httpOnly ? HTTP_ONLY : ""}${hostOnly ? "" : "."}${domain}`;
    // An end within the first second would read as none.
    const end = expires === undefined ? 0 : Math.max(1, Math.floor(expires / 1_000));
    lines.push([start, flag(!hostOnly), path, flag(secure), end, name, value].join("\t"));
  }
  return `${lines.join("\n")}\n`;
}

/** The cookies of a file's text. Throws `UsageError` `cookies/file-invalid`, which names the line and not its content. */
export function parseNetscapeCookies(text: string, path: string): StoredCookie[] {
  const cookies: StoredCookie[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || (line.startsWith("#") && !line.startsWith(HTTP_ONLY))) continue;
    const cookie = parseLine(line);
    if (cookie === undefined) {
      const message = `Cannot load cookies from ${path}: line ${index + 1} is no cookie of a cookies.txt, which has seven fields with tabs between`;
      throw new UsageError("cookies/file-invalid", message);
    }
    cookies.push(cookie);
  }
  return cookies;
}

function parseLine(line: string): StoredCookie | undefined {
  const httpOnly = line.startsWith(HTTP_ONLY);
  const fields = (httpOnly ? line.slice(HTTP_ONLY.length) : line).split("\t");
  const [domain = "", below = "", path = "", secure = "", end = "", name = "", value = ""] = fields;
  // Some leave out an empty value with its tab.
  if (fields.length !== 7 && fields.length !== 6) return undefined;
  const isFlagged = isFlag(below) && isFlag(secure) && /^(?:\d+(?:\.\d+)?)?$/.test(end);
  const isText = [domain, path, name, value].every(isCookieText);
  const host = domain.replace(/^\./, "").toLowerCase();
  if (!isFlagged || !isText || host === "" || name === "" || !path.startsWith("/")) return undefined;
  const seconds = Number(end);
  return {
    name,
    value,
    domain: host,
    hostOnly: below.toUpperCase() === "FALSE",
    path,
    secure: secure.toUpperCase() === "TRUE",
    httpOnly,
    sameSite: undefined,
    expires: seconds === 0 ? undefined : seconds * 1_000,
  };
}

function flag(value: boolean): string {
  return value ? "TRUE" : "FALSE";
}

function isFlag(text: string): boolean {
  return /^(?:true|false)$/i.test(text);
}
