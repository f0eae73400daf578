/**
 * How far an upload is durable, as it lies on the disk: two slots in blocks of their own, written in turn. A slot that a crash has torn
 * fails its digest, and the other one, older and true, counts. So telling the disk a new offset is one small write in place and one
 * sync, with no renaming, and what is read is never more than what was written last.
 */

import { contentDigest } from "../../platform/digest.js";
import type { DurableFile } from "../../platform/durable-files.js";

/** What a slot says. */
export interface UploadMark {
  /** Bytes that are on the disk. */
  readonly offset: number;
  /** Milliseconds since the Unix epoch. */
  readonly touchedAt: number;
}

/** Distance of the slots: a disk that tears one block leaves the other alone. */
const SLOT_STRIDE = 4096;
const SLOT_BYTES = 96;
const SLOT = /^(\d{1,15}) (\d{1,16}) (\d{1,16}) ([\w-]{24})\n/;

/** The mark of one upload. */
export class UploadMarkFile {
  readonly #file: DurableFile;
  #sequence: number;
  #mark: UploadMark;

  private constructor(file: DurableFile, sequence: number, mark: UploadMark) {
    this.#file = file;
    this.#sequence = sequence;
    this.#mark = mark;
  }

  /** Writes the first mark into a new file. */
  static async begin(file: DurableFile, mark: UploadMark): Promise<UploadMarkFile> {
    const made = new UploadMarkFile(file, -1, mark);
    // Both slots at once: what is overwritten later needs no room, and a mark must not fail when the disk is full.
    await made.set(mark);
    await made.set(mark);
    return made;
  }

  /** Reads what the file says; undefined if neither slot is whole. */
  static async read(file: DurableFile): Promise<UploadMarkFile | undefined> {
    const bytes = Buffer.alloc(SLOT_STRIDE + SLOT_BYTES);
    await file.read(bytes, 0);
    const slots = [slotAt(bytes, 0), slotAt(bytes, SLOT_STRIDE)].filter((slot) => slot !== undefined);
    const [newest] = slots.sort((one, other) => other.sequence - one.sequence);
    return newest === undefined ? undefined : new UploadMarkFile(file, newest.sequence, newest.mark);
  }

  get mark(): UploadMark {
    return this.#mark;
  }

  /** Resolves when the mark is on the disk. What it counts has to be there already. */
  async set(mark: UploadMark): Promise<void> {
    this.#sequence += 1;
    const text = `${this.#sequence} ${mark.offset} ${mark.touchedAt}`;
    const slot = `${text} ${contentDigest(text)}\n`.padEnd(SLOT_BYTES, " ");
    await this.#file.write([Buffer.from(slot, "latin1")], (this.#sequence % 2) * SLOT_STRIDE);
    await this.#file.sync();
    this.#mark = mark;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function slotAt(bytes: Buffer, at: number): { sequence: number; mark: UploadMark } | undefined {
  const text = bytes.toString("latin1", at, at + SLOT_BYTES);
  const [, sequence, offset, touchedAt, digest] = SLOT.exec(text) ?? [];
  if (digest === undefined || contentDigest(`${sequence} ${offset} ${touchedAt}`) !== digest) return undefined;
  return { sequence: Number(sequence), mark: { offset: Number(offset), touchedAt: Number(touchedAt) } };
}
