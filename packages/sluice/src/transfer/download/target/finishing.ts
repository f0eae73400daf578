/** The end of a download: whether all has come, whether it is what it ought to be, and into its place. */

import { SluiceError } from "../../../errors.js";
import { parseHttpDate } from "../../../http/dates.js";
import { type FieldDigests, readFieldDigests } from "../../../http/digest-fields.js";
import type { UsableAnswer } from "../probe.js";
import type { Generation } from "../segments/generation.js";
import { verifyChecksums } from "./checksums.js";

/** What an answer says of the file's digest. */
export function digestsOf({ response, verdict }: UsableAnswer): FieldDigests {
  const { headers } = response;
  if (verdict.kind === "whole" && verdict.coded) return new Map();
  const whole = verdict.kind === "whole" || (verdict.start === 0 && verdict.end === verdict.version.size);
  // A digest of the content is one of the file where the content is all of it.
  const ofContent = whole ? readFieldDigests(headers.get("content-digest")) : [];
  return new Map([...ofContent, ...readFieldDigests(headers.get("repr-digest"))]);
}

/** Throws `SluiceError` `download/unknown-end`, and keeps nothing, where an end of the connection may be the end of the file or not. */
export async function requireEnd(
  { unknownEnd, store, context }: Generation,
  expected: ReadonlyMap<string, string>,
): Promise<void> {
  if (!unknownEnd || context.options.allowUnknownEnd || expected.size > 0) return;
  await store.discard();
  const message =
    "Cannot tell whether the file is complete: the answer had no length and ended with its connection, which a broken one does, " +
    "too; `allowUnknownEnd` takes it, a checksum proves it";
  throw new SluiceError("download/unknown-end", message);
}

/** The error for a digest that the file has not; what is there is thrown away then. */
export async function discardIfWrong(
  { store, context }: Generation,
  expected: ReadonlyMap<string, string>,
): Promise<SluiceError | undefined> {
  try {
    await verifyChecksums(store, expected, () => context.signal.throwIfAborted());
    return undefined;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== "download/checksum") throw error;
    await store.discard();
    return error;
  }
}

/** The file gets its length, its date and its name, for good. */
export async function putInPlace({ version, store, context }: Generation): Promise<void> {
  const { lastModified } = version;
  const keepsDate = lastModified !== undefined && context.options.modifiedTime;
  const changedAt = keepsDate ? parseHttpDate(lastModified) : undefined;
  await store.finish(version.size ?? store.extents.byteLength, changedAt);
}
