/**
 * Reads field lines (RFC 9112 §5) as far as they have come: of a head, or of a trailer section (§7.1.2).
 *
 * Strategy: each complete line in the window is checked and taken apart in one pass over its octets, by index and table. A line is judged when its line feed is there, or when it has outgrown its limit: then the
 * verdict does not depend on how the bytes were cut. The incomplete end is left to the caller, who brings it
 * again when the rest has come.
 *
 * Refused, where RFC 9112 would let a recipient repair: bare LF or CR (§2.2), folded lines (§5.2), whitespace before the colon
 * (§5.1), control characters in values (RFC 9110 §5.5).
 */

import { isOws } from "../bytes/ascii.js";
import { CR, DEL, FIELD_VALUE_CHARS, HTAB, LF, SP, TOKEN_CHARS } from "../bytes/char-tables.js";
import { PeerError } from "../errors.js";
import { FramingFields, framingFieldNamed, NO_FRAMING_FIELD } from "./framing-fields.js";
import { type Http1Limits, LONGEST_LINE_BYTES } from "./limits.js";
import { INCOMPLETE, type LineWindow } from "./line-window.js";
import type { FieldLines } from "./sinks.js";

const COLON = 0x3a;

/** Which of the two a section is, as errors call it. */
export type SectionKind = "head" | "trailers";

/** One field section at a time; reset before the next. */
export class FieldSection {
  /** What the framing fields say. Empty for trailers, where they are refused. */
  readonly framing = new FramingFields();
  /** True once the empty line has been read. */
  complete = false;

  readonly #kind: SectionKind;
  /** All lines with their ends, the start line included. */
  readonly #maxBytes: number;
  readonly #maxLineBytes: number;
  readonly #maxCount: number;
  #fields: string[] = [];
  /** Bytes of the lines read so far, the start line included. */
  #usedBytes = 0;

  constructor(kind: SectionKind, limits: Readonly<Http1Limits>) {
    const isHead = kind === "head";
    this.#kind = kind;
    this.#maxBytes = isHead ? limits.maxHeadBytes : limits.maxTrailerBytes;
    this.#maxLineBytes = Math.min(limits.maxLineBytes, LONGEST_LINE_BYTES);
    this.#maxCount = isHead ? limits.maxFieldCount : limits.maxTrailerCount;
  }

  /** The lines read so far: name, value, name, value. A new array for each section, so that it may be kept. */
  get fields(): FieldLines {
    return this.#fields;
  }

  /** Begins another section. The list of the last one is its receiver's. */
  reset(): void {
    this.complete = false;
    this.#fields = [];
    this.#usedBytes = 0;
    this.framing.reset();
  }

  /** Counts the start line against the section's bytes; it has been found within {@link allowance}. */
  countStartLine(byteCount: number): void {
    this.#usedBytes += byteCount;
  }

  /** How many bytes the section may still take. */
  get allowance(): number {
    return this.#maxBytes - this.#usedBytes;
  }

  /**
   * Reads complete lines from `start` on, up to the empty line or to the end of the window, and returns the offset behind the last
   * one. Throws `PeerError`. O(octets read).
   */
  read(lines: LineWindow, start: number): number {
    const { bytes, end } = lines;
    let at = start;
    while (at < end) {
      const next = bytes[at] === CR ? this.#readEmptyLine(lines, at) : this.#readLine(lines, at);
      if (next === INCOMPLETE) return at;
      this.#usedBytes += next - at;
      at = next;
      if (this.complete) return at;
    }
    return at;
  }

  /** Throws `PeerError` if a line of which `byteCount` bytes have come, and no line feed, is too long already. */
  checkLength(byteCount: number): void {
    if (byteCount <= this.#maxLineBytes && byteCount <= this.allowance) return;
    throw this.#maxLineBytes < this.allowance ? this.#lineTooLong() : this.tooLarge();
  }

  /** The empty line which ends the section (RFC 9112 §2.1). */
  #readEmptyLine(lines: LineWindow, start: number): number {
    if (start + 1 >= lines.end || lines.bytes[start + 1] !== LF) return this.#refuse(lines, start);
    this.checkLength(2);
    this.complete = true;
    return start + 2;
  }

  /** `field-line = field-name ":" OWS field-value OWS` CRLF (RFC 9112 §5). */
  #readLine(lines: LineWindow, start: number): number {
    const { bytes, end } = lines;
    let at = start;
    while (at < end && TOKEN_CHARS[bytes[at] ?? 0] === 1) at += 1;
    const nameEnd = at;
    // Right behind the name: whitespace there has made proxies and servers see different fields (RFC 9112 §5.1).
    if (nameEnd === end || nameEnd === start || bytes[at] !== COLON) return this.#refuse(lines, start);

    at += 1;
    while (at < end && isOws(bytes[at] ?? 0)) at += 1;
    const valueStart = at;
    at = skipFieldValue(bytes, at, end);
    if (at + 1 >= end || bytes[at] !== CR || bytes[at + 1] !== LF) return this.#refuse(lines, start);
    this.checkLength(at + 2 - start);

    // OWS around a value is no part of it (RFC 9110 §5.5).
    let valueEnd = at;
    while (valueEnd > valueStart && isOws(bytes[valueEnd - 1] ?? 0)) valueEnd -= 1;
    const { text, textStart } = lines;
    const name = text.substring(start - textStart, nameEnd - textStart);
    this.#keep(name, text.substring(valueStart - textStart, valueEnd - textStart));
    return at + 2;
  }

  /** Adds a valid line, and notes what it says of framing: the one place where names mean anything. */
  #keep(name: string, value: string): void {
    if (this.#fields.length >= this.#maxCount * 2) throw this.#tooMany();
    const framingField = framingFieldNamed(name);
    if (framingField !== NO_FRAMING_FIELD) {
      // RFC 9110 §6.5.1: a trailer must not change framing or routing, which were acted upon when the head was complete.
      if (this.#kind === "trailers") {
        throw new PeerError("http1/trailer-forbidden", `Cannot accept trailers: ${name} is not allowed there`);
      }
      this.framing.note(framingField, value);
    }
    this.#fields.push(name, value);
  }

  /** Something is wrong with the line at `start`: says what, or `INCOMPLETE` as long as its line feed has not come. */
  #refuse(lines: LineWindow, start: number): typeof INCOMPLETE {
    const lineEnd = lines.findLineEnd(start);
    if (lineEnd === INCOMPLETE) return INCOMPLETE;
    this.checkLength(lineEnd - start);
    throw whatIsWrong(lines.slice(start, lineEnd - 1), this.#kind);
  }

  #lineTooLong(): PeerError {
    return new PeerError(
      "http1/line-too-long",
      `Cannot read ${this.#kind}: a line is longer than the limit of ${this.#maxLineBytes} bytes`,
      431,
    );
  }

  /** The error of a section beyond its limit. */
  tooLarge(): PeerError {
    const kind = this.#kind;
    const code = kind === "head" ? "http1/head-too-large" : "http1/trailers-too-large";
    return new PeerError(code, `Cannot read ${kind}: more than the limit of ${this.#maxBytes} bytes`, 431); // RFC 6585 §5
  }

  #tooMany(): PeerError {
    const kind = this.#kind;
    const code = kind === "head" ? "http1/too-many-fields" : "http1/too-many-trailers";
    return new PeerError(code, `Cannot read ${kind}: more field lines than the limit of ${this.#maxCount}`, 431);
  }
}

/**
 * The offset of the first octet that no field value may have (see `FIELD_VALUE_CHARS`), or `end`. Two comparisons, because in this,
 * the hottest loop of all, they cost less than looking up a table.
 */
function skipFieldValue(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const octet = bytes[at] ?? 0;
    if (octet < SP ? octet !== HTAB : octet === DEL) return at;
    at += 1;
  }
  return at;
}

/** Names the first fault of `line`, which is known to have one; its line feed is not part of it. */
function whatIsWrong(line: string, kind: SectionKind): PeerError {
  if (line === "") return bareLineFeed(kind);
  if (isOws(line.charCodeAt(0))) {
    return new PeerError("http1/folded-line", `Cannot read ${kind}: a line begins with whitespace (RFC 9112 §5.2)`);
  }
  let at = 0;
  while (TOKEN_CHARS[line.charCodeAt(at)] === 1) at += 1;
  if (at === line.length || (line.charCodeAt(at) === CR && at === line.length - 1)) {
    return new PeerError("http1/field-without-colon", `Cannot read ${kind}: a field line has no colon`);
  }
  if (line.charCodeAt(at) !== COLON || at === 0) {
    const shown = hexOf(line.charCodeAt(at));
    return new PeerError("http1/field-name-invalid", `Cannot read ${kind}: ${shown} in or after a field name`);
  }
  at += 1;
  while (FIELD_VALUE_CHARS[line.charCodeAt(at)] === 1) at += 1;
  if (at === line.length) return bareLineFeed(kind);
  return new PeerError(
    "http1/field-value-invalid",
    `Cannot read ${kind}: ${hexOf(line.charCodeAt(at))} in a field value`,
  );
}

function bareLineFeed(kind: SectionKind): PeerError {
  return new PeerError("http1/bare-line-feed", `Cannot read ${kind}: a line ends with a bare LF (RFC 9112 §2.2)`);
}

function hexOf(code: number): string {
  return `octet 0x${code.toString(16).padStart(2, "0")}`;
}
