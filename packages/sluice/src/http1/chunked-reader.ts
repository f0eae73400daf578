/**
 * Reads the chunked transfer coding (RFC 9112 §7.1) up to its trailer section.
 *
 * Strategy: one state and one octet at a time through sizes, extensions and line ends, so that nothing of them is ever kept
 * and every cut costs the same; chunk data are never looked at, only measured.
 *
 * Stricter than §7.1.1: no whitespace around sizes and extensions. BWS is there for the sake of old senders; what it would
 * let through is what the known smuggling attacks on chunk lines are made of.
 */

import { CR, FIELD_VALUE_CHARS, HEX_VALUES, LF, QUOTED_TEXT_CHARS, TOKEN_CHARS } from "../bytes/char-tables.js";
import { PeerError } from "../errors.js";

const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** 16 digits spell any size up to 2^64; leading zeros count, so that they cannot go on for ever. */
const MAX_SIZE_DIGITS = 16;

// The states, in the order of the grammar (RFC 9112 §7.1):
//
//   chunk     = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//   chunk-ext = *( ";" chunk-ext-name [ "=" chunk-ext-val ] )
//
//   size ── ";" ──> extension … ── CR ──> size line end ── LF ──> data, or complete after a size of 0
//   data ── all of it ──> data CR ── CR ──> data LF ── LF ──> size

/** Within `chunk-size = 1*HEXDIG`. */
const SIZE = 0;
/** Behind ";": a name must begin. */
const EXTENSION_NAME_START = 1;
/** Within `chunk-ext-name = token`. */
const EXTENSION_NAME = 2;
/** Behind "=": a value must begin. */
const EXTENSION_VALUE_START = 3;
/** Within a value that is a token. */
const EXTENSION_TOKEN = 4;
/** Within a value that is a quoted string (RFC 9110 §5.6.4). */
const EXTENSION_QUOTED = 5;
/** Behind a backslash in it. */
const EXTENSION_ESCAPED = 6;
/** Behind its closing quote. */
const EXTENSION_QUOTED_END = 7;
/** Behind the CR of the size's line. */
const SIZE_LINE_END = 8;
/** Within chunk-data: measured, never looked at. */
const DATA = 9;
/** Behind chunk-data, which end in CRLF whatever octets they had. */
const DATA_CR = 10;
const DATA_LF = 11;

/** One chunked body at a time; reset before the next. */
export class ChunkedReader {
  /** How many octets, up to where `read` stopped, are data. */
  dataLength = 0;
  /** True once the last chunk's line has been read: the trailer section follows (RFC 9112 §7.1.2). */
  complete = false;

  readonly #maxExtensionBytes: number;
  #state = SIZE;
  /** While the size is read, what it is so far; within data, how many octets are still to come. */
  #size = 0;
  #digitCount = 0;
  /** Over all chunks of the body, so that many small ones cannot add up to much (RFC 9112 §7.1.1). */
  #extensionBytes = 0;

  constructor(maxExtensionBytes: number) {
    this.#maxExtensionBytes = maxExtensionBytes;
  }

  /** Begins another body. */
  reset(): void {
    this.dataLength = 0;
    this.complete = false;
    this.#extensionBytes = 0;
    this.#startChunk();
  }

  /**
   * Reads from `start` to the end of the next run of data, of the last chunk's line, or of the bytes, and returns where it
   * stopped. `dataLength` of the octets before that are data. Throws `PeerError`.
   */
  read(bytes: Uint8Array, start: number): number {
    this.dataLength = 0;
    let at = start;
    while (at < bytes.length) {
      if (this.#state === DATA) return this.#readData(bytes, at);
      this.#step(bytes[at] ?? 0);
      at += 1;
      if (this.complete) return at;
    }
    return at;
  }

  #readData(bytes: Uint8Array, start: number): number {
    const taken = Math.min(this.#size, bytes.length - start);
    this.#size -= taken;
    this.dataLength = taken;
    if (this.#size === 0) this.#state = DATA_CR;
    return start + taken;
  }

  #step(octet: number): void {
    switch (this.#state) {
      case SIZE:
        this.#stepSize(octet);
        return;
      case SIZE_LINE_END:
        if (octet !== LF) throw lineEndMissing("size");
        if (this.#size === 0) this.complete = true;
        else this.#state = DATA;
        return;
      case DATA_CR:
        if (octet !== CR) throw lineEndMissing("data");
        this.#state = DATA_LF;
        return;
      case DATA_LF:
        if (octet !== LF) throw lineEndMissing("data");
        this.#startChunk();
        return;
      default:
        this.#stepExtension(octet);
    }
  }

  #startChunk(): void {
    this.#state = SIZE;
    this.#size = 0;
    this.#digitCount = 0;
  }

  /** A digit, or what ends them: the extensions or the line. Nothing else is a size, least of all a sign or "0x". */
  #stepSize(octet: number): void {
    const digit = HEX_VALUES[octet] ?? 255;
    if (digit < 16) {
      this.#digitCount += 1;
      this.#size = this.#size * 16 + digit;
      if (this.#digitCount > MAX_SIZE_DIGITS || this.#size > Number.MAX_SAFE_INTEGER) {
        throw new PeerError("http1/chunk-too-large", "Cannot read chunk: its size is above 2^53 - 1", 413);
      }
      return;
    }
    if (this.#digitCount === 0 || (octet !== CR && octet !== SEMICOLON)) {
      throw new PeerError(
        "http1/chunk-size-invalid",
        `Cannot read chunk: octet 0x${octet.toString(16).padStart(2, "0")} where its size should be or end`,
      );
    }
    if (octet === CR) this.#state = SIZE_LINE_END;
    else this.#stepToExtension();
  }

  /** `chunk-ext = *( ";" chunk-ext-name [ "=" chunk-ext-val ] )`, ignored but valid (RFC 9112 §7.1.1). */
  #stepExtension(octet: number): void {
    if (octet === CR && this.#mayEndExtension()) {
      this.#state = SIZE_LINE_END;
      return;
    }
    if (octet === SEMICOLON && this.#mayEndExtension()) {
      this.#stepToExtension();
      return;
    }
    this.#countExtension();
    this.#state = extensionStateAfter(this.#state, octet);
  }

  #stepToExtension(): void {
    this.#countExtension();
    this.#state = EXTENSION_NAME_START;
  }

  /** An extension ends behind a name, a token or a closing quote: "1;", "1;a=" and an open quote are malformed. */
  #mayEndExtension(): boolean {
    return this.#state === EXTENSION_NAME || this.#state === EXTENSION_TOKEN || this.#state === EXTENSION_QUOTED_END;
  }

  #countExtension(): void {
    this.#extensionBytes += 1;
    if (this.#extensionBytes <= this.#maxExtensionBytes) return;
    throw new PeerError(
      "http1/chunk-extensions-too-large",
      `Cannot read chunk: more than the limit of ${this.#maxExtensionBytes} bytes of extensions in one body`,
      413,
    );
  }
}

/** Where `octet` leads from a state inside an extension; its ends, ";" and CR, have been dealt with. */
function extensionStateAfter(state: number, octet: number): number {
  switch (state) {
    case EXTENSION_NAME_START:
    case EXTENSION_NAME:
      if (TOKEN_CHARS[octet] === 1) return EXTENSION_NAME;
      if (octet === EQUALS && state === EXTENSION_NAME) return EXTENSION_VALUE_START;
      break;
    case EXTENSION_VALUE_START:
      if (octet === QUOTE) return EXTENSION_QUOTED;
      if (TOKEN_CHARS[octet] === 1) return EXTENSION_TOKEN;
      break;
    case EXTENSION_TOKEN:
      if (TOKEN_CHARS[octet] === 1) return EXTENSION_TOKEN;
      break;
    case EXTENSION_QUOTED:
      if (octet === QUOTE) return EXTENSION_QUOTED_END;
      if (octet === BACKSLASH) return EXTENSION_ESCAPED;
      if (QUOTED_TEXT_CHARS[octet] === 1) return EXTENSION_QUOTED;
      break;
    case EXTENSION_ESCAPED:
      // quoted-pair = "\" ( HTAB / SP / VCHAR / obs-text ), RFC 9110 §5.6.4
      if (FIELD_VALUE_CHARS[octet] === 1) return EXTENSION_QUOTED;
      break;
    default:
      break;
  }
  throw new PeerError(
    "http1/chunk-extension-invalid",
    `Cannot read chunk: octet 0x${octet.toString(16).padStart(2, "0")} in its extensions`,
  );
}

function lineEndMissing(after: "size" | "data"): PeerError {
  return new PeerError("http1/chunk-line-end-missing", `Cannot read chunk: its ${after} is not followed by CRLF`);
}
