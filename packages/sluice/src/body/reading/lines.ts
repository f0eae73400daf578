/**
 * Splits a UTF-8 body into lines. A line ends with LF or CRLF, which are not part of it; a lone CR is an ordinary
 * character; a last line without an end counts if it is not empty. Malformed UTF-8 becomes U+FFFD, a byte order mark at
 * the start is dropped.
 *
 * Strategy: LF cannot be part of a longer UTF-8 sequence, so lines are found in the bytes and decoded whole, and a
 * character split between two pieces needs no care. Each byte is searched once; the bytes of a line that is not
 * complete are gathered in doubling blocks, so a peer that drips cannot make this quadratic.
 */

import { PayloadError, UsageError } from "../../errors.js";
import { Collector } from "../collect.js";
import type { Shaper } from "./shaper.js";

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = new Uint8Array(0);
/** Longest line accepted if nobody says otherwise. */
export const DEFAULT_MAX_LINE_BYTES = 1024 * 1024;

/**
 * Gives one line after another. Throws `PayloadError` `body/line-too-long` when a line has more than the limit, its end
 * not counted.
 */
export class LineSplitter implements Shaper<string> {
  readonly #maxLineBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #start = new Collector(Number.POSITIVE_INFINITY, undefined);
  #piece: Uint8Array = NOTHING;
  #offset = 0;
  #finished = false;
  #first = true;

  /** `maxLineBytes`: 1 or more, `Infinity` for no limit. Throws `UsageError` `options/out-of-range`. */
  constructor(maxLineBytes: number) {
    if (!(maxLineBytes >= 1)) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot use maxLineBytes ${maxLineBytes}: a number from 1 is needed`,
      );
    }
    this.#maxLineBytes = maxLineBytes;
  }

  feed(piece: Uint8Array): void {
    this.#piece = piece;
    this.#offset = 0;
  }

  take(): string | undefined {
    const at = this.#piece.indexOf(LF, this.#offset);
    if (at === -1) return this.#keepRest();
    const end = this.#piece.subarray(this.#offset, at);
    this.#offset = at + 1;
    return this.#decode(this.#start.byteLength === 0 ? end : this.#joinStart(end), true);
  }

  finish(): void {
    this.#finished = true;
  }

  /** No line end in what is left of the piece: keeps it for later, or gives it out if it is the last line. */
  #keepRest(): string | undefined {
    const rest = this.#piece.subarray(this.#offset);
    this.#piece = NOTHING;
    this.#offset = 0;
    // One more than the limit may be kept: the last byte may prove to be the CR of the line's end.
    this.#assertLength(this.#start.byteLength + rest.byteLength - 1);
    if (rest.byteLength > 0) this.#start.add(rest, true);
    if (!this.#finished || this.#start.byteLength === 0) return undefined;
    return this.#decode(this.#start.take(), false);
  }

  #joinStart(end: Uint8Array): Uint8Array {
    this.#assertLength(this.#start.byteLength + end.byteLength - 1);
    if (end.byteLength > 0) this.#start.add(end, true);
    return this.#start.take();
  }

  #decode(line: Uint8Array, ended: boolean): string {
    const length = ended && line[line.byteLength - 1] === CR ? line.byteLength - 1 : line.byteLength;
    this.#assertLength(length);
    const text = this.#decoder.decode(line.subarray(0, length));
    if (!this.#first) return text;
    this.#first = false;
    return text.startsWith("\uFEFF") ? text.slice(1) : text;
  }

  #assertLength(bytes: number): void {
    if (bytes <= this.#maxLineBytes) return;
    throw new PayloadError(
      "body/line-too-long",
      `Cannot read lines: a line has more than ${this.#maxLineBytes} bytes; raise maxLineBytes, or read in pieces`,
    );
  }
}
