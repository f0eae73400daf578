/**
 * Where lines are read from: the bytes just fed, or one line put together from several feeds (RFC 9112 §2.2).
 *
 * Strategy: characters are scanned as octets, in the buffer, where reading one costs less than half of what it costs in a string;
 * names and values are cut from one string, decoded once for all lines in the window, and for the next messages in it, because making a string from octets
 * costs as much as scanning a hundred of them. Only the unfinished end of a line is ever copied; it is searched for its
 * line feed in the new bytes alone, so that feeding a line octet by octet stays linear.
 */

import { Buffer } from "node:buffer";
import { ByteQueue } from "../bytes/byte-queue.js";
import { CR, LF } from "../bytes/char-tables.js";

/** What whoever reads a line answers instead of an offset while its end has not come. */
export const INCOMPLETE = -1;

const NOTHING = Buffer.alloc(0);
/** The end of a line and the empty line behind it (RFC 9112 §2.1). */
const EMPTY_LINE = Buffer.from("\r\n\r\n", "latin1");
/** Up to here, decoding everything costs less than searching for the end of the head first: some 0.1 µs each. */
const SMALL_FEED_BYTES = 1_024;

/** One window at a time, over bytes which are lent until the next `open`. */
export class LineWindow {
  /** The octets to scan, from {@link start} up to {@link end}; the first one begins a line. */
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;

  #text = "";
  /** The octets that `#text` is made of: a part of `bytes`, unless `bytes` are others by now. */
  #textBytes: Buffer = NOTHING;
  #textStart = 0;
  readonly #unfinished = new ByteQueue();

  /** Bytes of a line whose line feed has not come. */
  get unfinishedBytes(): number {
    return this.#unfinished.length;
  }

  /** The first octet of that line, or undefined. */
  get unfinishedFirst(): number | undefined {
    return this.#unfinished.first;
  }

  /** That line as far as it has come. */
  get unfinishedText(): string {
    return this.#unfinished.toLatin1();
  }

  /**
   * Opens the window on `bytes` from `from` on, behind the unfinished line if there is one, and returns up to where `bytes` are
   * covered. The window is empty if a line feed has yet to come. O(bytes covered).
   */
  open(bytes: Buffer, from: number): number {
    if (this.#unfinished.length > 0) return this.#join(bytes, from);
    this.bytes = bytes;
    this.start = from;
    this.end = findEnd(bytes, from);
    return this.end;
  }

  /** Lets go of the bytes lent. */
  close(): void {
    this.bytes = NOTHING;
    this.#textBytes = NOTHING;
    this.#text = "";
  }

  /** The octets from `from` up to `to` as text, one character each (RFC 9112 §2.2). */
  slice(from: number, to: number): string {
    const { text } = this;
    return text.substring(from - this.#textStart, to - this.#textStart);
  }

  /** A text with all octets of the window in it: octet `at` is its character `at - textStart`. */
  get text(): string {
    if (
      this.#textBytes !== this.bytes ||
      this.start < this.#textStart ||
      this.end > this.#textStart + this.#text.length
    ) {
      this.#text = this.bytes.toString("latin1", this.start, this.end);
      this.#textBytes = this.bytes;
      this.#textStart = this.start;
    }
    return this.#text;
  }

  /** See {@link text}, which is to be asked for first. */
  get textStart(): number {
    return this.#textStart;
  }

  /** The offset behind the line feed of the line at `from`, or `INCOMPLETE`. */
  findLineEnd(from: number): number {
    const at = this.bytes.indexOf(LF, from);
    return at === -1 || at >= this.end ? INCOMPLETE : at + 1;
  }

  /** Copies what lies from `from` on: the beginning of a line, to be completed by the next `open`. */
  keep(from: number): void {
    this.#unfinished.append(this.bytes, from, this.end);
  }

  /** The unfinished line, which is the caller's from now on. */
  takeUnfinished(): Buffer {
    return this.#unfinished.take();
  }

  /** Completes the unfinished line with the first line feed there is; looks at new bytes only. */
  #join(bytes: Buffer, from: number): number {
    const newline = bytes.indexOf(LF, from);
    const covered = newline === -1 ? bytes.length : newline + 1;
    this.#unfinished.append(bytes, from, covered);
    this.bytes = newline === -1 ? NOTHING : this.#unfinished.take();
    this.start = 0;
    this.end = this.bytes.length;
    return covered;
  }
}

/** Up to where to open: the end of the section if that is worth searching for, or all there is. */
function findEnd(bytes: Buffer, start: number): number {
  if (bytes.length - start <= SMALL_FEED_BYTES) return bytes.length;
  if (bytes[start] === CR && bytes[start + 1] === LF) return start + 2;
  const at = bytes.indexOf(EMPTY_LINE, start);
  return at === -1 ? bytes.length : at + EMPTY_LINE.length;
}
