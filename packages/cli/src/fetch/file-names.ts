/**
 * Names of files for URLs. A name says where it came from, is safe on every file system and in every shell, cannot lead out of its
 * folder, and is the same each time for the same URL. Where something of the URL could not be kept, a few digits of its hash stand for it,
 * so that different URLs have different names.
 */
import { createHash } from "node:crypto";

/** Longest name, without its extension: file systems allow 255 bytes, and numbers and endings come on top. */
const MOST_CHARACTERS = 150;
const HASH_DIGITS = 10;
/** Names that stand for devices on Windows, with any extension. */
const DEVICE_NAME = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/;

const EXTENSIONS: Readonly<Record<string, string>> = {
  "application/json": ".json",
  "application/pdf": ".pdf",
  "application/xml": ".xml",
  "application/gzip": ".gz",
  "application/zip": ".zip",
  "application/javascript": ".js",
  "image/gif": ".gif",
  "image/jpeg": ".jpg",
  "image/png": ".png",
  "image/svg+xml": ".svg",
  "image/webp": ".webp",
  "text/css": ".css",
  "text/csv": ".csv",
  "text/html": ".html",
  "text/javascript": ".js",
  "text/markdown": ".md",
  "text/plain": ".txt",
  "text/xml": ".xml",
};

/** The name for what `url` gave; `contentType` decides the extension where the path has none. */
export function fileNameFor(url: string, contentType: string | undefined): string {
  const { hostname, port, pathname, search } = new URL(url);
  const place = port === "" ? hostname : `${hostname}_${port}`;
  const path = pathname.endsWith("/") ? `${pathname}index` : pathname;
  const full = `${place}${path.replaceAll("/", "-")}`;
  const extension = /\.[a-z0-9]{1,8}$/i.exec(path)?.[0] ?? "";
  const stem = full.slice(0, full.length - extension.length);
  const safe = stem.replace(/[^a-z0-9._-]+/g, "_").replace(/^[.-]+|[.-]+$/g, "");
  const kept = safe.slice(0, MOST_CHARACTERS);
  const ending = extension === "" ? (EXTENSIONS[essenceOf(contentType)] ?? "") : extension.toLowerCase();
  // A path with dashes and one with more slashes would meet in one name, and so would letters of both cases on some file systems.
  const lossless = kept === stem && extension === extension.toLowerCase() && search === "" && !pathname.includes("-");
  const name = `${kept}${lossless ? "" : `-${hashOf(url)}`}${ending}`;
  return DEVICE_NAME.test(name) ? `_${name}` : name;
}

/** The same name with a number before its extension: `page-2.html`. */
export function numberedName(name: string, number: number): string {
  const extension = /\.[a-z0-9]{1,8}$/.exec(name)?.[0] ?? "";
  return `${name.slice(0, name.length - extension.length)}-${number}${extension}`;
}

function essenceOf(contentType: string | undefined): string {
  return contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** Of the URL as it is sent: a fragment makes no difference. */
function hashOf(url: string): string {
  const sent = new URL(url);
  sent.hash = "";
  return createHash("sha256").update(sent.href).digest("hex").slice(0, HASH_DIGITS);
}
