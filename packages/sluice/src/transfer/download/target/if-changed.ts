/**
 * Whether a file that is there is still the one that the server has. A download with `ifChanged` leaves a note beside the file: which
 * version it is, and what the file looked like then; one that somebody has changed since is not taken for that version. Where there is no
 * note, date and size decide, as they do for wget and rsync.
 */

import { parseHttpDate } from "../../../http/dates.js";
import { type DurableFiles, replaceText } from "../../../platform/durable-files.js";
import { folderOf, inFolder } from "../../../platform/paths.js";
import { compareVersions, type RemoteVersion } from "../answers/remote-version.js";
import { nameBeside } from "../store/part-paths.js";

/** What is known of the file that is there. */
export interface KnownFile {
  /** From the note; undefined where there is none, or the file has been changed since. */
  readonly version: RemoteVersion | undefined;
  readonly size: number;
  readonly modifiedTime: number;
}

const MOST_NOTE_BYTES = 16 * 1024;
const MS_PER_SECOND = 1_000;

/** What is known of the file at `path`; undefined if there is none. */
export async function knownFile(path: string, files: DurableFiles): Promise<KnownFile | undefined> {
  const status = await files.status(path);
  if (status?.kind !== "file") return undefined;
  const { size, modifiedTime } = status;
  const note = readNote(await files.readText(notePath(path), MOST_NOTE_BYTES));
  const fits = note?.version.size === size && note.modifiedTime === modifiedTime;
  return { version: fits ? note.version : undefined, size, modifiedTime };
}

/** Notes of which version the file at `path` is. */
export async function noteVersion(path: string, version: RemoteVersion, files: DurableFiles): Promise<void> {
  const status = await files.status(path);
  if (status === undefined) return;
  const { etag = null, lastModified = null, dateIsStrong } = version;
  const { size, modifiedTime } = status;
  const note = { etag, lastModified, dateIsStrong, size, modifiedTime };
  await replaceText(files, notePath(path), `${JSON.stringify(note)}\n`);
}

/** The fields that ask for the file only if it is another one (RFC 9110 §13.1.2, §13.1.3). */
export function conditionFor(known: KnownFile | undefined): readonly string[] {
  const { etag, lastModified } = known?.version ?? {};
  if (etag !== undefined) return ["if-none-match", etag];
  return lastModified === undefined ? [] : ["if-modified-since", lastModified];
}

/** Whether an answer that gives the file is of the version that is there: of a server that knows no conditions, or without a note. */
export function isStillThere(known: KnownFile, found: RemoteVersion): boolean {
  if (known.version !== undefined) return compareVersions(known.version, found, false) === "same";
  const changedAt = found.lastModified === undefined ? undefined : parseHttpDate(found.lastModified);
  const ours = Math.floor(known.modifiedTime / MS_PER_SECOND) * MS_PER_SECOND;
  return changedAt === ours && found.size === known.size;
}

/** Beside the file, and not seen in listings. */
function notePath(path: string): string {
  return inFolder(folderOf(path), `.${nameBeside(path)}.sluice.json`);
}

function readNote(text: string | undefined): { version: RemoteVersion; modifiedTime: number } | undefined {
  if (text === undefined) return undefined;
  try {
    const note = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    const { etag, lastModified, dateIsStrong, size, modifiedTime } = note ?? {};
    if (typeof size !== "number" || typeof modifiedTime !== "number") return undefined;
    const version = {
      etag: textOf(etag),
      lastModified: textOf(lastModified),
      dateIsStrong: dateIsStrong === true,
      size,
    };
    return { version, modifiedTime };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** It becomes a field: what could not have come from one is nothing. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" && /^[\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined;
}
