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

/** As a path ends; in lower case, because some file systems do not tell the cases apart. */
const EXTENSION = /\.[a-z0-9]{1,8}$/;

const ENDINGS: Readonly<Record<string, string>> = {
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
  const { protocol, hostname, port, pathname } = new URL(url);
  const shownPort = port === "" && protocol === "http:" ? "80" : port;
  const place = shownPort === "" ? hostname : `${hostname}_${shownPort}`;
  const path = pathname.endsWith("/") ? `${pathname}index` : pathname;
  const full = `${place}${path.replaceAll("/", "-")}`;
  const extension = EXTENSION.exec(path)?.[0] ?? "";
  const stem = full.slice(0, full.length - extension.length);
  const safe = stem.replace(/[^a-z0-9._-]+/g, "_").replace(/^[.-]+|[.-]+$/g, "");
  const kept = safe.slice(0, MOST_CHARACTERS);
  const told = extension !== "" && kept === stem && tellsAll(new URL(url));
  const ending = extension === "" ? (ENDINGS[essenceOf(contentType)] ?? "") : extension;
  const name = `${kept}${told ? "" : `-${hashOf(url)}`}${ending}`;
  return DEVICE_NAME.test(name) ? `_${name}` : name;
}

/** Whether a URL with an extension, all of whose characters were kept, can be told from every other by its name. */
function tellsAll({ protocol, hostname, port, pathname, href, hash }: URL): boolean {
  // Dashes stand for slashes and underscores for colons in a name, so a URL that has its own is not told by it.
  const hasQuery = href.slice(0, href.length - hash.length).includes("?");
  return !hasQuery && !/[-_]/.test(hostname + pathname) && !(protocol === "https:" && port === "80");
}

/** The same name with a number before its extension: `page-2.html`. */
export function numberedName(name: string, number: number): string {
  const extension = EXTENSION.exec(name)?.[0] ?? "";
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
