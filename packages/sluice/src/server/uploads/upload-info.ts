/** An upload as hooks see it. */

import { safeFilename } from "../../body/multipart/safe-filename.js";
import { readMetadata } from "./tus-fields.js";
import type { UploadRecord } from "./upload-store.js";

/** What is known of an upload at one moment. */
export interface UploadInfo {
  readonly id: string;
  /** Bytes in all; undefined while the client does not know. */
  readonly length: number | undefined;
  /** Bytes that are durable. */
  readonly offset: number;
  /** What the client says of it. Texts that may be anything: not to be joined to a path, not to be shown unescaped. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The client's name for the file (metadata `filename` or `name`) made safe to use as one; undefined if it gave none. */
  readonly filename: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** Where it lies, once it is complete; a path for uploads in a directory. */
  readonly place: string | undefined;
}

/** The view of a record. */
export function infoOf(record: UploadRecord, offset: number, place?: string): UploadInfo {
  const metadata = readMetadata(record.metadata, Number.POSITIVE_INFINITY);
  const given = metadata.get("filename") ?? metadata.get("name");
  return {
    id: record.id,
    length: record.length,
    offset,
    metadata,
    filename: given === undefined ? undefined : safeFilename(given, "") || undefined,
    createdAt: record.createdAt,
    place,
  };
}
