/**
 * The handful of fields that decide how a message is framed and what becomes of its connection (RFC 9112 §6 and §9, RFC 9110
 * §7.2, §7.6.1, §7.8 and §10.1.1), noted while the field section is read.
 *
 * Strategy: a name's length rules out nearly every other field before a character is compared, and comparing folds the case
 * without making copies. Noting never judges: `framing.ts` does, once the head is complete and it is known which rules apply.
 */

import { equalsLower, skipOws, trimOwsEnd } from "../bytes/ascii.js";

const COMMA = 0x2c;

/** `Connection` has the option `close` (RFC 9112 §9.6). */
export const OPTION_CLOSE = 1;
/** `Connection` has the option `keep-alive` (RFC 9112 §9.3, RFC 2068 §19.7.1). */
export const OPTION_KEEP_ALIVE = 2;
/** `Connection` has the option `upgrade` (RFC 9110 §7.8). */
export const OPTION_UPGRADE = 4;

/** Which framing field a name is. */
export type FramingFieldName =
  | "host"
  | "expect"
  | "upgrade"
  | "connection"
  | "content-length"
  | "transfer-encoding"
  | undefined;

/** The framing field that `name`, a token in any case, names; undefined for every other field. */
export function framingFieldNamed(name: string): FramingFieldName {
  switch (name.length) {
    case 4:
      return equalsLower(name, 0, 4, "host") ? "host" : undefined;
    case 6:
      return equalsLower(name, 0, 6, "expect") ? "expect" : undefined;
    case 7:
      return equalsLower(name, 0, 7, "upgrade") ? "upgrade" : undefined;
    case 10:
      return equalsLower(name, 0, 10, "connection") ? "connection" : undefined;
    case 14:
      return equalsLower(name, 0, 14, "content-length") ? "content-length" : undefined;
    case 17:
      return equalsLower(name, 0, 17, "transfer-encoding") ? "transfer-encoding" : undefined;
    default:
      return undefined;
  }
}

/** What the framing fields of one head say. One object serves a reader for good: it is reset before each head. */
export class FramingFields {
  hostCount = 0;
  /** The value of the last `Host`. */
  host = "";
  contentLengthCount = 0;
  /** The value of the last `Content-Length`, not yet judged. */
  contentLength = "";
  /** All values of `Transfer-Encoding`, joined by commas as RFC 9110 §5.3 allows; undefined without the field. */
  transferEncoding: string | undefined = undefined;
  /** Union of the `OPTION_` constants: which of the options that matter `Connection` has. */
  connectionOptions = 0;
  hasUpgrade = false;
  /** All values of `Expect`, joined by commas; undefined without the field. */
  expect: string | undefined = undefined;

  reset(): void {
    this.hostCount = 0;
    this.host = "";
    this.contentLengthCount = 0;
    this.contentLength = "";
    this.transferEncoding = undefined;
    this.connectionOptions = 0;
    this.hasUpgrade = false;
    this.expect = undefined;
  }

  /** Notes one line: `field` as `framingFieldNamed` found it, `value` without whitespace around it. */
  note(field: FramingFieldName, value: string): void {
    switch (field) {
      case "host":
        this.hostCount += 1;
        this.host = value;
        return;
      case "content-length":
        this.contentLengthCount += 1;
        this.contentLength = value;
        return;
      case "transfer-encoding":
        this.transferEncoding = this.transferEncoding === undefined ? value : `${this.transferEncoding},${value}`;
        return;
      case "connection":
        this.connectionOptions |= connectionOptionsIn(value);
        return;
      case "upgrade":
        this.hasUpgrade = true;
        return;
      case "expect":
        this.expect = this.expect === undefined ? value : `${this.expect},${value}`;
        return;
      default:
        return;
    }
  }
}

/**
 * Which connection options that matter to us are in `value`, a comma-separated list of case-insensitive tokens (RFC 9110 §7.6.1).
 * Others name fields meant for the next hop only; a member that is no token at all matches nothing.
 */
export function connectionOptionsIn(value: string): number {
  let options = 0;
  let start = 0;
  while (start <= value.length) {
    const comma = value.indexOf(",", start);
    const stop = comma === -1 ? value.length : comma;
    const from = skipOws(value, start, stop);
    options |= optionAt(value, from, trimOwsEnd(value, from, stop));
    start = stop + 1;
  }
  return options;
}

/** The members of a comma-separated list, trimmed; empty ones included, for whoever wants to refuse them (RFC 9110 §5.6.1). */
export function listMembers(value: string): string[] {
  const members: string[] = [];
  let start = 0;
  for (let at = 0; at <= value.length; at += 1) {
    if (at < value.length && value.charCodeAt(at) !== COMMA) continue;
    const from = skipOws(value, start, at);
    members.push(value.slice(from, trimOwsEnd(value, from, at)));
    start = at + 1;
  }
  return members;
}

function optionAt(value: string, start: number, end: number): number {
  switch (end - start) {
    case 5:
      return equalsLower(value, start, end, "close") ? OPTION_CLOSE : 0;
    case 10:
      // CR would fold to "-" here, but it never gets this far: field values hold no control characters.
      return equalsLower(value, start, end, "keep-alive") ? OPTION_KEEP_ALIVE : 0;
    case 7:
      return equalsLower(value, start, end, "upgrade") ? OPTION_UPGRADE : 0;
    default:
      return 0;
  }
}
