/**
 * Everything given, into an open file. A write of a megabyte would be one trip to another thread instead of eight; but as large as a write is,
 * so large are the blocks of memory in which Linux keeps it. In a virtual machine whose host takes free memory back, by blocks of two megabytes,
 * a large block is one that was taken back and has to be lent again: a gigabyte then cost 1.3 to 3.2 s of CPU instead of 0.3 to 0.5. Small
 * blocks are cut from what is left over between those in use, which the host has never taken.
 */

import type { FileHandle } from "node:fs/promises";

/** Bytes of one system call. */
export const WRITE_CALL_BYTES = 128 * 1024;

/**
 * Writes `pieces`, one after the other, from `start` on, or where the file stands if that is undefined. They must not change until it resolves: to
 * how many bytes that were. Rejects with the system's own error.
 */
export async function writeAll(
  handle: FileHandle,
  pieces: readonly Uint8Array[],
  start: number | undefined,
): Promise<number> {
  let written = 0;
  for (let left = pieces.filter(({ byteLength }) => byteLength > 0); left.length > 0; ) {
    // It may take less than it was given.
    const { bytesWritten } = await handle.writev(firstOf(left), start === undefined ? undefined : start + written);
    written += bytesWritten;
    left = withoutFirst(left, bytesWritten);
  }
  return written;
}

function firstOf(pieces: readonly Uint8Array[]): Uint8Array[] {
  const first: Uint8Array[] = [];
  let room = WRITE_CALL_BYTES;
  for (const piece of pieces) {
    first.push(piece.byteLength <= room ? piece : piece.subarray(0, room));
    room -= piece.byteLength;
    if (room <= 0) break;
  }
  return first;
}

function withoutFirst(pieces: readonly Uint8Array[], byteLength: number): Uint8Array[] {
  let over = byteLength;
  let whole = 0;
  for (const piece of pieces) {
    if (over < piece.byteLength) break;
    over -= piece.byteLength;
    whole += 1;
  }
  const left = pieces.slice(whole);
  if (over > 0 && left[0] !== undefined) left[0] = left[0].subarray(over);
  return left;
}
