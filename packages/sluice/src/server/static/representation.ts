/**
 * One file in one coding as it is sent: its validators, its field lines, and its bytes or a way to them. All of it describes one
 * version of the file (decision 0016).
 *
 * Strategy: a file up to a size is read at once, and its tag is a digest of the very bytes that are sent: strong, the same on
 * every machine, right even where the system's times say nothing. The tag of a larger one is a digest of what the system knows of
 * it, strong once its last change is so long ago that another would show in its times. Field lines are made once and frozen: the
 * connection keeps the text of a frozen head.
 */

import type { Payload } from "../../body/payload.js";
import { WholePayload } from "../../body/sending/whole-payload.js";
import type { Validators } from "../../http/conditional.js";
import { formatHttpDate } from "../../http/dates.js";
import { formatEntityTag } from "../../http/entity-tag.js";
import { HttpHeaders } from "../../http/headers.js";
import type { FieldLines } from "../../http1/sinks.js";
import { contentDigest } from "../../platform/digest.js";
import { type FileVersion, isSameVersion, OpenFile } from "../../platform/open-file.js";
import { unsteadyFile } from "./file-faults.js";

/** A file in one coding, ready to be sent any number of times. */
export interface Representation {
  /** Without links. */
  readonly path: string;
  readonly version: FileVersion;
  /** False while another change could leave the file's times as they are: it must be looked at anew each time. */
  readonly settled: boolean;
  readonly validators: Validators;
  /** The field lines it was made with. */
  readonly madeOf: FieldLines;
  /** Of a 200; frozen. */
  readonly fields: FieldLines;
  /** Of a 304; frozen (RFC 9110 §15.4.5). */
  readonly notModified: FieldLines;
  /** The bytes, of a file that is small enough. */
  readonly whole: Uint8Array | undefined;
  /** The same to be sent, as often as needed. */
  readonly payload: Payload | undefined;
}

/** What a representation is made of beside the file. */
export interface Presentation {
  /** Name, value, name, value …: `Content-Type` and whatever else does not come from the file. */
  readonly fields: FieldLines;
  /** The coding that the file's bytes are in. */
  readonly coding: string | undefined;
  /** Files up to this many bytes are read at once. */
  readonly maxWholeBytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** A file changes unseen when it changes twice within one tick of its times: 2 s on FAT, milliseconds elsewhere. */
const SETTLED_AFTER_MS = 2_000;
/** A file that changes faster than it can be read this many times is not to be had in one version. */
const MOST_ATTEMPTS = 5;
/** Fields of the answer that a 304 has, too (RFC 9110 §15.4.5), and those of our own that change how a copy may be used. */
const IN_NOT_MODIFIED: ReadonlySet<string> = new Set([
  ...["cache-control", "content-location", "etag", "expires", "vary", "last-modified"],
  ...["content-security-policy", "cross-origin-resource-policy", "access-control-allow-origin"],
]);

/**
 * Reads the file at `path` (no link) as far as it is read in advance, and makes its field lines. Undefined for what is no regular
 * file. Rejects with the system's error, and with `HttpError` 503 `static/unsteady` for a file that does not keep still.
 */
export async function makeRepresentation(path: string, how: Presentation): Promise<Representation | undefined> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const file = await OpenFile.open(path);
    if (file === undefined) return undefined;
    try {
      const { version } = file;
      const small = version.size <= how.maxWholeBytes;
      const whole = small ? await tryReadWhole(file) : undefined;
      if (!small || whole !== undefined) return present(path, version, whole, how);
    } finally {
      file.close();
    }
  }
  throw unsteadyFile();
}

/** Opens the file of a representation that is not in memory; undefined if it is another version by now. */
export async function reopen({ path, version }: Representation): Promise<OpenFile | undefined> {
  const file = await OpenFile.open(path);
  if (file === undefined || isSameVersion(file.version, version)) return file;
  file.close();
  return undefined;
}

/** All of the file; undefined if it changed meanwhile. */
export async function tryReadWhole(
  file: Pick<OpenFile, "version" | "read" | "isUnchanged">,
): Promise<Uint8Array | undefined> {
  try {
    const whole = await file.read(0, file.version.size);
    return (await file.isUnchanged()) ? whole : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "file/truncated") return undefined;
    throw error;
  }
}

function present(path: string, version: FileVersion, whole: Uint8Array | undefined, how: Presentation): Representation {
  const settled = how.nowMs - Math.max(version.changedTime, version.modifiedTime) >= SETTLED_AFTER_MS;
  const lastModified = settled ? version.modifiedTime : undefined;
  const etag = tagOf(version, whole, settled, how.coding);
  const headers = HttpHeaders.fromFields(how.fields);
  headers.set("ETag", etag);
  if (lastModified !== undefined) headers.set("Last-Modified", formatHttpDate(lastModified));
  if (how.coding !== undefined) headers.set("Content-Encoding", how.coding);
  headers.set("Accept-Ranges", "bytes");
  return {
    path,
    version,
    settled,
    validators: { etag, lastModified },
    madeOf: how.fields,
    fields: Object.freeze([...headers.raw]),
    notModified: Object.freeze(onlyNotModified(headers.raw)),
    whole,
    payload: whole === undefined ? undefined : new WholePayload(whole, undefined),
  };
}

/**
 * Two codings of one file never share a tag, nor do a file that has settled and the same one before: whoever has a copy from the
 * time when it could still change unseen is not told that it is good for ever.
 */
function tagOf(
  version: FileVersion,
  whole: Uint8Array | undefined,
  settled: boolean,
  coding: string | undefined,
): string {
  const { size, modifiedTime, changedTime, inode, device } = version;
  const steady = whole !== undefined || settled;
  const known = whole ?? [size, modifiedTime, changedTime, inode, device, steady].join(" ");
  const suffix = coding === undefined ? "" : `-${coding}`;
  return formatEntityTag(`${contentDigest(known)}${suffix}`, !steady) ?? "";
}

function onlyNotModified(fields: FieldLines): string[] {
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (IN_NOT_MODIFIED.has(name.toLowerCase())) kept.push(name, fields[index + 1] ?? "");
  }
  return kept;
}
