/**
 * The end of an upload: its name is recorded, its content moved there, the hook called, and that recorded. Each step is durable before
 * the next, and each can be done again: a crash in between is made good the next time somebody asks for the upload.
 */

import { safeFilename } from "../../body/multipart/safe-filename.js";
import { HttpError } from "../http-error.js";
import { infoOf, type UploadInfo } from "./upload-info.js";
import type { StoredUpload } from "./upload-store.js";
import type { ResolvedUploadsOptions } from "./uploads-options.js";

/** Numbers tried behind a name that is taken; then the id makes it one that nobody has. */
const NUMBERS = [2, 3, 4, 5, 6, 7, 8, 9];

/** Whether all bytes are there. */
export function isWhole({ record, offset }: StoredUpload): boolean {
  return offset === record.length;
}

/** Completes an upload that is whole, as far as that has not been done. Rejects with what the hook rejects with. */
export async function completeUpload(stored: StoredUpload, options: ResolvedUploadsOptions): Promise<void> {
  if (stored.record.completedAt !== undefined) return;
  const place = await putInPlace(stored, options);
  const { onComplete } = options.hooks;
  if (onComplete !== undefined) {
    if (stored.record.placedAt === undefined)
      await stored.update({ ...stored.record, placedAt: options.clock.wallTime() });
    await onComplete(infoOf(stored.record, stored.offset, place));
  }
  await stored.update({ ...stored.record, completedAt: options.clock.wallTime() });
}

async function putInPlace(stored: StoredUpload, { hooks }: ResolvedUploadsOptions): Promise<string> {
  // Where a crash has interrupted this, the content may be there already.
  if (stored.record.name !== undefined) {
    const place = await stored.place();
    if (place !== undefined) return place;
  }
  const info = infoOf(stored.record, stored.offset);
  for (const name of namesFor(hooks.filename?.(info) ?? info.filename ?? info.id, info)) {
    await stored.update({ ...stored.record, name });
    const place = await stored.place();
    if (place !== undefined) return place;
  }
  throw new HttpError(500, `Cannot place the upload ${info.id}: all names for it are taken`, {
    code: "upload/no-name",
  });
}

function namesFor(wanted: string, { id }: UploadInfo): string[] {
  const name = safeFilename(String(wanted), id);
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  return [name, ...NUMBERS.map((number) => `${stem} (${number})${ending}`), `${stem} (${id})${ending}`];
}
