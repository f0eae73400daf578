/**
 * The form in which a cookie jar is kept in a file: JSON, one object for each cookie, everything about it in plain
 * sight. What is no JSON is read as a `cookies.txt`, see `cookie-netscape.ts`.
 */

import { UsageError } from "../errors.js";
import { parseNetscapeCookies } from "./cookie-netscape.js";
import { isCookieText, type StoredCookie } from "./cookie-store.js";

const FORMAT = "sluice-cookies";
const VERSION = 1;
const SAME_SITES: readonly unknown[] = [undefined, "strict", "lax", "none"];

/** The text of a file with these cookies. */
export function formatCookieFile(cookies: Iterable<StoredCookie>): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, cookies: [...cookies] }, undefined, 2)}\n`;
}

/**
 * The cookies of a file's bytes, one a character. Throws `UsageError` `cookies/file-invalid`, without a word of the content, for
 * anything else.
 */
export function parseCookieFile(bytes: string, path: string): StoredCookie[] {
  const text = Buffer.from(bytes, "latin1")
    .toString("utf8")
    .replace(/^\ufeff/, "");
  if (text.trim() === "") throw invalid(path, "it is empty");
  const content = parsed(text);
  if (content === undefined && !text.trimStart().startsWith("{"))
    return parseNetscapeCookies(bytes.replace(/^\xef\xbb\xbf/, ""), path);
  if (!isRecord(content) || content["format"] !== FORMAT || !Array.isArray(content["cookies"])) {
    throw invalid(path, "it is not a cookie file of this library");
  }
  if (content["version"] !== VERSION) {
    throw invalid(path, `its version is ${JSON.stringify(content["version"])}, only ${VERSION} is known`);
  }
  return content["cookies"].map((given: unknown, index) => {
    const cookie = isRecord(given) ? cookieOf(given) : undefined;
    if (cookie === undefined) throw invalid(path, `cookie ${index} is malformed`);
    return cookie;
  });
}

function cookieOf(given: Record<string, unknown>): StoredCookie | undefined {
  const { name, value, domain, path, hostOnly, secure, httpOnly, sameSite, expires } = given;
  if (!isText(name) || name === "" || !isText(value) || !isText(domain) || !isText(path) || !path.startsWith("/")) {
    return undefined;
  }
  if (typeof hostOnly !== "boolean" || typeof secure !== "boolean" || typeof httpOnly !== "boolean") return undefined;
  if (!SAME_SITES.includes(sameSite) || (expires !== undefined && !Number.isFinite(expires))) return undefined;
  return {
    name,
    value,
    domain,
    hostOnly,
    path,
    secure,
    httpOnly,
    sameSite: sameSite as StoredCookie["sameSite"],
    expires: expires as number | undefined,
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && isCookieText(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The parsed JSON, or undefined: the engine's message would quote the file. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(path: string, why: string): UsageError {
  return new UsageError("cookies/file-invalid", `Cannot load cookies from ${path}: ${why}`);
}
