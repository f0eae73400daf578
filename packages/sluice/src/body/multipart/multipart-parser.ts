/**
 * Reads multipart bodies (RFC 2046 §5.1, RFC 7578): bytes in, parts out, for any subtype. What is inside a part is not looked at,
 * be it multipart itself.
 *
 * Strategy: what ends a part is `CRLF "--" boundary`, whose only CR is its first byte. So a match that fails cannot have begun again
 * within itself: what was held back is given out as it is (it equals the beginning of the delimiter, so nothing needs to be kept), and
 * the search goes on from there. Each byte is looked at a bounded number of times however finely the body is cut. At the very
 * start, and after a part's header, the CRLF before a boundary may be missing or belong to what came before: there the match begins
 * with these two taken as seen (`#unsent`).
 *
 * Strict where readers may differ: a line that begins with the boundary and goes on with something else than padding is an error (RFC
 * 2046 §5.1.1 makes it a boundary, others make it content), and so are line ends without CR.
 */

import { isToken } from "../../bytes/char-tables.js";
import { PayloadError } from "../../errors.js";
import { Collector } from "../collect.js";
import type { MultipartLimits } from "./multipart-limits.js";

/** Told what a parser finds, before `feed` returns. */
export interface MultipartSink {
  /** A part begins. `fields`: its header lines, flat: name, value, name, value … Values are UTF-8. */
  onPart(fields: readonly string[]): void;
  /** Bytes of its content, valid until this returns if `borrowed`. */
  onContent(piece: Uint8Array, borrowed: boolean): void;
  onPartEnd(): void;
}

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const HTAB = 0x09;
const DASH = 0x2d;
const COLON = 0x3a;
/** The CRLF that a delimiter begins with. */
const CRLF_BYTES = 2;
// Bare controls in a value: what line ends, NUL and their like could do further on is nobody's wish.
const CONTROLS = /(?!\t)\p{Cc}/u;

/** Where in the body it is. `delimiter`: after a boundary, in the rest of its line. */
type State = "preamble" | "delimiter" | "header" | "content" | "epilogue";

/** Parses one body. Throws `PayloadError` only; it must not be fed after that. */
export class MultipartParser {
  readonly #sink: MultipartSink;
  readonly #limits: MultipartLimits;
  readonly #delimiter: Buffer;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #state: State = "preamble";
  /** Bytes of the delimiter matched so far … */
  #matched = CRLF_BYTES;
  /** … of which so many were never in the content. */
  #unsent = CRLF_BYTES;
  /** The rest of a boundary's line so far: nothing, a dash, padding, or its CR. */
  #line: "" | "-" | " " | "\r" = "";
  #field = new Collector(Number.POSITIVE_INFINITY, undefined);
  #fields: string[] = [];
  #headerBytes = 0;
  #parts = 0;
  #totalBytes = 0;

  /** `boundary` without its dashes, one character a byte; see `boundaryOf`. */
  constructor(boundary: string, limits: MultipartLimits, sink: MultipartSink) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
    this.#limits = limits;
    this.#sink = sink;
  }

  /** Whether the last part has ended: whatever comes after it means nothing. */
  get closed(): boolean {
    return this.#state === "epilogue";
  }

  /** More of the body. Pieces of it are given to the sink as `borrowed`. */
  feed(piece: Uint8Array, borrowed: boolean): void {
    // What is still within the limit is read first: which fault comes first is for the bytes to say, not for how they were cut.
    const allowed = Math.min(piece.byteLength, this.#limits.maxTotalBytes - this.#totalBytes);
    this.#totalBytes += allowed;
    const within = allowed === piece.byteLength ? piece : piece.subarray(0, allowed);
    for (let at = 0; at < allowed; ) at = this.#advance(within, at, borrowed);
    if (allowed < piece.byteLength) {
      throw refused("multipart/too-large", `more than ${this.#limits.maxTotalBytes} bytes (maxTotalBytes)`);
    }
  }

  /** The body is over. Throws `multipart/truncated` if its last boundary has not come. */
  end(): void {
    if (this.closed) return;
    const where = this.#parts === 0 ? "without any part" : `within or after part ${this.#parts}`;
    throw refused("multipart/truncated", `it ends ${where}, and its last boundary is missing`);
  }

  /** Takes what belongs together from `at` on; gives where it ends. */
  #advance(piece: Uint8Array, at: number, borrowed: boolean): number {
    switch (this.#state) {
      case "preamble":
      case "content":
        return this.#takeContent(piece, at, borrowed);
      case "delimiter":
        this.#takeDelimiterByte(piece[at] ?? 0);
        return at + 1;
      case "header":
        return this.#takeHeader(piece, at);
      case "epilogue":
        return piece.byteLength;
    }
  }

  // ── content, up to the next delimiter ──────────────────────────────────────────────────────────────────────────────

  #takeContent(piece: Uint8Array, from: number, borrowed: boolean): number {
    const at = this.#goOnMatching(piece, from);
    if (this.#matched === this.#delimiter.byteLength) return this.#endContent(at);
    if (this.#matched > 0) return at;
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const found = bytes.indexOf(this.#delimiter, at);
    if (found !== -1) {
      this.#give(piece, at, found, borrowed);
      return this.#endContent(found + this.#delimiter.byteLength);
    }
    // Known before the piece is given away: its receiver may transfer it, and then it has no length.
    const end = piece.byteLength;
    const rest = this.#delimiterStart(piece, at);
    this.#give(piece, at, rest, borrowed);
    this.#matched = end - rest;
    return end;
  }

  /** Compares on where the piece before left off. What turns out to be content is given out. */
  #goOnMatching(piece: Uint8Array, from: number): number {
    let at = from;
    if (this.#matched === 0) return at;
    while (at < piece.byteLength && piece[at] === this.#delimiter[this.#matched]) {
      at += 1;
      this.#matched += 1;
    }
    if (at === piece.byteLength || this.#matched === this.#delimiter.byteLength) return at;
    this.#give(this.#delimiter, this.#unsent, this.#matched, true);
    this.#matched = 0;
    this.#unsent = 0;
    return at;
  }

  /** Where the delimiter may begin in the last bytes of the piece; its end if it does not. */
  #delimiterStart(piece: Uint8Array, from: number): number {
    const start = Math.max(from, piece.byteLength - this.#delimiter.byteLength + 1);
    const cr = piece.subarray(start).lastIndexOf(CR);
    if (cr === -1) return piece.byteLength;
    for (let at = start + cr, matched = 0; at < piece.byteLength; at += 1, matched += 1) {
      if (piece[at] !== this.#delimiter[matched]) return piece.byteLength;
    }
    return start + cr;
  }

  #give(piece: Uint8Array, from: number, to: number, borrowed: boolean): void {
    if (this.#state === "content" && to > from) this.#sink.onContent(piece.subarray(from, to), borrowed);
  }

  #endContent(at: number): number {
    if (this.#state === "content") this.#sink.onPartEnd();
    this.#state = "delimiter";
    this.#line = "";
    return at;
  }

  // ── the rest of a boundary's line (RFC 2046 §5.1.1: transport padding, or the two dashes of the last one) ───────────

  #takeDelimiterByte(byte: number): void {
    if (byte === DASH && this.#line === "") this.#line = "-";
    else if (byte === DASH && this.#line === "-") this.#state = "epilogue";
    else if ((byte === SP || byte === HTAB) && (this.#line === "" || this.#line === " ")) this.#line = " ";
    else if (byte === CR && (this.#line === "" || this.#line === " ")) this.#line = "\r";
    else if (byte === LF && this.#line === "\r") this.#beginPart();
    else throw refused("multipart/bad-delimiter", "a line begins with its boundary and does not end there with CRLF");
  }

  #beginPart(): void {
    this.#parts += 1;
    if (this.#parts > this.#limits.maxParts) {
      throw refused("multipart/too-many-parts", `more than ${this.#limits.maxParts} parts (maxParts)`);
    }
    this.#state = "header";
    this.#fields = [];
    this.#headerBytes = 0;
  }

  // ── a part's header (RFC 2045 §3, RFC 5322 §2.2: fields, perhaps folded; an empty line ends it) ──────────────────────

  #takeHeader(piece: Uint8Array, at: number): number {
    const lf = piece.indexOf(LF, at);
    const end = lf === -1 ? piece.byteLength : lf + 1;
    this.#headerBytes += end - at;
    if (this.#headerBytes > this.#limits.maxPartHeaderBytes) {
      const most = this.#limits.maxPartHeaderBytes;
      throw refused("multipart/header-too-large", `the header of part ${this.#parts} has more than ${most} bytes`);
    }
    this.#field.add(piece.subarray(at, end), true);
    if (lf !== -1) this.#takeHeaderLine(this.#field.take());
    return end;
  }

  #takeHeaderLine(line: Uint8Array): void {
    if (line[line.byteLength - 2] !== CR) throw this.#badHeader("a line ends without CR");
    if (line.byteLength === CRLF_BYTES) {
      this.#beginContent();
      return;
    }
    const text = this.#decoder.decode(line.subarray(0, -CRLF_BYTES));
    if (CONTROLS.test(text)) throw this.#badHeader("it has control characters in it");
    if (line[0] === SP || line[0] === HTAB) this.#unfold(text);
    else this.#addField(text, line.indexOf(COLON) === -1);
  }

  #addField(text: string, withoutColon: boolean): void {
    const colon = text.indexOf(":");
    const name = text.slice(0, colon);
    if (withoutColon || !isToken(name)) throw this.#badHeader("a line has no name, or one that is none");
    if (this.#fields.length >= this.#limits.maxPartHeaders * 2) {
      const most = this.#limits.maxPartHeaders;
      throw refused("multipart/too-many-headers", `part ${this.#parts} has more than ${most} header lines`);
    }
    this.#fields.push(name, trimOws(text.slice(colon + 1)));
  }

  #unfold(text: string): void {
    const value = this.#fields.pop();
    if (value === undefined) throw this.#badHeader("it begins with a continued line");
    this.#fields.push(trimOws(`${value} ${trimOws(text)}`));
  }

  #beginContent(): void {
    this.#state = "content";
    // A boundary may follow at once: then the line end before it is that of the empty line.
    this.#matched = CRLF_BYTES;
    this.#unsent = CRLF_BYTES;
    this.#sink.onPart(this.#fields);
  }

  #badHeader(why: string): PayloadError {
    return refused("multipart/bad-header", `the header of part ${this.#parts} is malformed: ${why}`);
  }
}

function trimOws(text: string): string {
  return text.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
}

function refused(code: string, why: string): PayloadError {
  return new PayloadError(code, `Cannot read the multipart body: ${why}`);
}
