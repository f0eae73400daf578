/**
 * Where the files of one download are: the target, and beside it those that go when it is whole. They are called as the target is, with
 * an ending. Where its name is so long that an ending would make it longer than file systems take (255 bytes, most of them), they have
 * its beginning and a digest of all of it instead.
 */

import { sha256 } from "../../../platform/digest.js";
import { beginningOf, folderOf, inFolder, nameOf } from "../../../platform/paths.js";

/** See the head of this file. */
export interface PartPaths {
  readonly target: string;
  readonly folder: string;
  /** The unfinished file; the record and the lock are called as it is, with an ending. */
  readonly part: string;
}

/** So much is left of 255 bytes for the longest ending: that of a lock, of a guard of it, and of a candidate for that. */
const MOST_NAME_BYTES = 160;
const KEPT_BYTES = 120;
const DIGEST_DIGITS = 16;

/** The paths for a target, which is absolute. */
export function partPathsOf(target: string): PartPaths {
  const folder = folderOf(target);
  return { target, folder, part: inFolder(folder, `${nameBeside(target)}.part`) };
}

/** The target's name, or one that stands for it, with room for an ending. Two names never give the same one. */
export function nameBeside(target: string): string {
  const name = nameOf(target);
  if (Buffer.byteLength(name) <= MOST_NAME_BYTES) return name;
  return `${beginningOf(name, KEPT_BYTES)}~${sha256(name).slice(0, DIGEST_DIGITS)}`;
}
