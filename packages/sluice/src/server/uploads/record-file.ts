/** An upload's record on the disk: JSON, replaced whole, so that after a crash there is the old one or the new one. */

import { SluiceError } from "../../errors.js";
import { type DurableFiles, replaceText } from "../../platform/durable-files.js";
import type { UploadRecord } from "./upload-store.js";

/** More than any record can have: `maxMetadataBytes` is far below. */
const MAX_BYTES = 1024 * 1024;
const VERSION = 1;

/** The record of the upload at `base`; undefined if there is none. Throws `upload/bad-record` for one that nobody here has written. */
export async function readRecord(files: DurableFiles, base: string): Promise<UploadRecord | undefined> {
  const text = await files.readText(`${base}.json`, MAX_BYTES);
  return text === undefined ? undefined : parse(base, text);
}

/** Resolves when the record is on the disk, under its name. */
export async function writeRecord(files: DurableFiles, base: string, record: UploadRecord): Promise<void> {
  await replaceText(files, `${base}.json`, `${JSON.stringify({ version: VERSION, ...record })}\n`);
  await files.syncFolder(base.slice(0, base.lastIndexOf("/")));
}

function parse(base: string, text: string): UploadRecord {
  const value = fromJson(base, text);
  if (!isObject(value) || value.version !== VERSION) throw badRecord(base);
  const { id, length, metadata, createdAt, name, placedAt, completedAt } = value;
  if (typeof id !== "string" || typeof metadata !== "string" || typeof createdAt !== "number") throw badRecord(base);
  return {
    id,
    metadata,
    createdAt,
    length: typeof length === "number" ? length : undefined,
    name: typeof name === "string" ? name : undefined,
    placedAt: typeof placedAt === "number" ? placedAt : undefined,
    completedAt: typeof completedAt === "number" ? completedAt : undefined,
  };
}

function fromJson(base: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badRecord(base, cause);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function badRecord(base: string, cause?: unknown): SluiceError {
  return new SluiceError("upload/bad-record", `Cannot read the record ${base}.json: it is damaged`, { cause });
}
