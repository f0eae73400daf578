/**
 * The record beside an unfinished download: which version of the file its bytes are of, and which bytes are there. It is small, replaced
 * whole, and carries a digest of itself, so that half of one, or one that somebody has edited, is never believed. Pure.
 */

import type { RemoteVersion } from "../answers/remote-version.js";
import { type Extent, Extents } from "./extents.js";

/** What is known of an unfinished download when the next run begins. */
export interface ControlRecord {
  readonly version: RemoteVersion;
  /** Whether it may be gone on with where the size alone says that it is the same file. */
  readonly trustSize: boolean;
  /** Only what is on the disk for certain. */
  readonly extents: Extents;
}

/** How many bytes of a record are read: many more than one has. */
export const MOST_CONTROL_BYTES = 64 * 1024;
/** Of the record's form: another one is not read. */
const FORMAT = "sluice-download/1";
const MOST_EXTENTS = 1_000;

/** The text of a record; `digest` makes the digest of a text. */
export function writeControl(record: ControlRecord, digest: (text: string) => string): string {
  const { version, trustSize, extents } = record;
  const content = JSON.stringify({
    format: FORMAT,
    etag: version.etag ?? null,
    lastModified: version.lastModified ?? null,
    dateIsStrong: version.dateIsStrong,
    size: version.size ?? null,
    trustSize,
    extents: extents.list.map(({ start, end }) => [start, end]),
  });
  return `${content}\n${digest(content)}\n`;
}

/** What `text` records; undefined for what is no whole record of ours. */
export function readControl(text: string, digest: (text: string) => string): ControlRecord | undefined {
  const [content = "", given, rest] = text.split("\n");
  if (rest !== "" || given !== digest(content)) return undefined;
  try {
    return recordOf(JSON.parse(content) as Readonly<Record<string, unknown>>);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The digest has shown that we wrote it, but perhaps another version of us. */
function recordOf(fields: Readonly<Record<string, unknown>>): ControlRecord | undefined {
  const { format, etag, lastModified, dateIsStrong, size, trustSize } = fields;
  const extents = extentsOf(fields["extents"]);
  const known = format === FORMAT && typeof dateIsStrong === "boolean" && typeof trustSize === "boolean";
  if (!known || extents === undefined || !isTextOrNull(etag) || !isTextOrNull(lastModified)) return undefined;
  if (size !== null && !isPosition(size)) return undefined;
  if (size !== null && extents.end > size) return undefined;
  const version = {
    etag: etag ?? undefined,
    lastModified: lastModified ?? undefined,
    dateIsStrong,
    size: size ?? undefined,
  };
  return { version, trustSize, extents };
}

function extentsOf(list: unknown): Extents | undefined {
  if (!Array.isArray(list) || list.length > MOST_EXTENTS) return undefined;
  const extents: Extent[] = [];
  for (const one of list as unknown[]) {
    const [start, end] = Array.isArray(one) ? (one as unknown[]) : [];
    if (!isPosition(start) || !isPosition(end)) return undefined;
    extents.push({ start, end });
  }
  return new Extents(extents);
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function isPosition(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
