/**
 * Cuts bytes into lines, without their ends.
 *
 * Strategy: in UTF-8 neither LF, CR nor RS can be part of a longer sequence, so lines are found in the bytes and can be
 * decoded whole: a character split between two pieces needs no care. Each byte is searched once for each kind of end; the
 * bytes of a line that is not complete are gathered in doubling blocks, so a peer that drips cannot make this quadratic.
 */

import { PayloadError, UsageError } from "../../errors.js";
import { Collector } from "../collect.js";

/**
 * What ends a line: `lf`: LF or CRLF, while a lone CR is an ordinary character; `any`: LF, CRLF or CR; `rs`: the record
 * separator of RFC 7464.
 */
export type LineEnds = "lf" | "any" | "rs";

/** Longest line accepted if nobody says otherwise. */
export const DEFAULT_MAX_LINE_BYTES = 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const RS = 0x1e;
const NOTHING = new Uint8Array(0);
const NOWHERE = Number.POSITIVE_INFINITY;

/**
 * Fed pieces, gives lines. A line that is not ended by the end of the input counts if it is not empty. Throws
 * `PayloadError` `body/line-too-long` when a line has more than the limit, its end not counted.
 */
export class LineCutter {
  readonly #maxLineBytes: number;
  readonly #ends: LineEnds;
  readonly #start = new Collector(Number.POSITIVE_INFINITY, undefined);
  #piece: Uint8Array = NOTHING;
  #offset = 0;
  /** Where the next LF (or RS) and CR of the piece are, as far as they have been looked for; before `offset`: not yet. */
  #endAt = -1;
  #crAt = -1;
  /** The last line was ended by a CR: an LF that comes next belongs to it. */
  #afterCr = false;
  #finished = false;

  /** `maxLineBytes`: 1 or more, `Infinity` for no limit. Throws `UsageError` `options/out-of-range`. */
  constructor(maxLineBytes: number, ends: LineEnds) {
    if (!(maxLineBytes >= 1)) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot use maxLineBytes ${maxLineBytes}: a number from 1 is needed`,
      );
    }
    this.#maxLineBytes = maxLineBytes;
    this.#ends = ends;
  }

  /** The piece must not change until `take` has given undefined. */
  feed(piece: Uint8Array): void {
    this.#piece = piece;
    this.#offset = 0;
    this.#endAt = -1;
    this.#crAt = -1;
  }

  /** The next line, valid until the next call; undefined if there is none yet. */
  take(): Uint8Array | undefined {
    this.#passLf();
    const at = this.#findEnd();
    if (at === NOWHERE) return this.#keepRest();
    this.#afterCr = this.#ends === "any" && this.#piece[at] === CR;
    const end = this.#piece.subarray(this.#offset, at);
    this.#offset = at + 1;
    return this.#withoutCr(this.#start.byteLength === 0 ? end : this.#joinStart(end));
  }

  finish(): void {
    this.#finished = true;
  }

  #passLf(): void {
    if (!this.#afterCr || this.#offset >= this.#piece.byteLength) return;
    this.#afterCr = false;
    if (this.#piece[this.#offset] === LF) this.#offset += 1;
  }

  #findEnd(): number {
    if (this.#endAt < this.#offset) this.#endAt = this.#find(this.#ends === "rs" ? RS : LF);
    if (this.#ends !== "any") return this.#endAt;
    if (this.#crAt < this.#offset) this.#crAt = this.#find(CR);
    return Math.min(this.#endAt, this.#crAt);
  }

  #find(byte: number): number {
    const at = this.#piece.indexOf(byte, this.#offset);
    return at === -1 ? NOWHERE : at;
  }

  /** No line end in what is left of the piece: keeps it for later, or gives it out if it is the last line. */
  #keepRest(): Uint8Array | undefined {
    const rest = this.#piece.subarray(this.#offset);
    this.feed(NOTHING);
    this.#assertLength(this.#start.byteLength + rest.byteLength - this.#tolerated);
    if (rest.byteLength > 0) this.#start.add(rest, true);
    if (!this.#finished || this.#start.byteLength === 0) return undefined;
    const line = this.#start.take();
    this.#assertLength(line.byteLength);
    return line;
  }

  #joinStart(end: Uint8Array): Uint8Array {
    this.#assertLength(this.#start.byteLength + end.byteLength - this.#tolerated);
    if (end.byteLength > 0) this.#start.add(end, true);
    return this.#start.take();
  }

  /** One more than the limit may be kept where the last byte may prove to be the CR of the line's end. */
  get #tolerated(): number {
    return this.#ends === "lf" ? 1 : 0;
  }

  #withoutCr(line: Uint8Array): Uint8Array {
    const ended = this.#ends === "lf" && line[line.byteLength - 1] === CR ? line.subarray(0, -1) : line;
    this.#assertLength(ended.byteLength);
    return ended;
  }

  #assertLength(bytes: number): void {
    if (bytes <= this.#maxLineBytes) return;
    throw new PayloadError(
      "body/line-too-long",
      `Cannot read lines: a line has more than ${this.#maxLineBytes} bytes; raise maxLineBytes, or read in pieces`,
    );
  }
}
