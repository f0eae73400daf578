/**
 * The handful of fields that decide how a message is framed and what becomes of its connection (RFC 9112 §6 and §9, RFC 9110
 * §7.2, §7.6.1, §7.8 and §10.1.1), noted while the field section is read.
 *
 * Strategy: a name's length and its usual spelling settle nearly every case without looking at characters; comparing folds their
 * case without making copies. Noting never judges: `framing.ts` does, once the head is complete and it is known which rules apply.
 */

import { equalsLower, skipOws, trimOwsEnd } from "../bytes/ascii.js";

const COMMA = 0x2c;

/** `Connection` has the option `close` (RFC 9112 §9.6). */
export const OPTION_CLOSE = 1;
/** `Connection` has the option `keep-alive` (RFC 9112 §9.3, RFC 2068 §19.7.1). */
export const OPTION_KEEP_ALIVE = 2;
/** `Connection` has the option `upgrade` (RFC 9110 §7.8). */
export const OPTION_UPGRADE = 4;

/** `framingFieldNamed` answers this for every other field. */
export const NO_FRAMING_FIELD = 0;
/** Which host is meant (RFC 9110 §7.2). */
export const HOST = 1;
/** What the client waits for before it sends the body (RFC 9110 §10.1.1). */
export const EXPECT = 2;
/** Protocols offered instead of HTTP/1.1 (RFC 9110 §7.8). */
export const UPGRADE_FIELD = 3;
/** What concerns this connection alone (RFC 9110 §7.6.1). */
export const CONNECTION = 4;
/** How long the content is (RFC 9110 §8.6). */
export const CONTENT_LENGTH = 5;
/** How the body is framed (RFC 9112 §6.1). */
export const TRANSFER_ENCODING = 6;

interface Candidate {
  readonly field: number;
  /** The spelling that nearly everybody uses: comparing equal strings costs next to nothing. */
  readonly usual: string;
  readonly lower: string;
}

/** The framing fields by the length of their names: no two have the same. */
const CANDIDATES: readonly (Candidate | undefined)[] = Array.from({ length: 18 }, (_, length) => {
  const usual = ["Host", "Expect", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding"];
  const at = usual.findIndex((name) => name.length === length);
  const name = usual[at];
  return name === undefined ? undefined : { field: at + 1, usual: name, lower: name.toLowerCase() };
});

/** Which framing field `name`, a token in any case, names: one of the constants above. */
export function framingFieldNamed(name: string): number {
  const candidate = name.length < CANDIDATES.length ? CANDIDATES[name.length] : undefined;
  if (candidate === undefined) return NO_FRAMING_FIELD;
  const matches = name === candidate.usual || equalsLower(name, 0, name.length, candidate.lower);
  return matches ? candidate.field : NO_FRAMING_FIELD;
}

/** What the framing fields of one head say. One object serves a reader for good: it is reset before each head. */
export class FramingFields {
  /** How many lines named `Host`: one is right (RFC 9112 §3.2). */
  hostCount = 0;
  /** The value of the last `Host`. */
  host = "";
  /** How many lines named `Content-Length`: more than one is refused (RFC 9112 §6.3, rule 5). */
  contentLengthCount = 0;
  /** The value of the last `Content-Length`, not yet judged. */
  contentLength = "";
  /** All values of `Transfer-Encoding`, joined by commas as RFC 9110 §5.3 allows; undefined without the field. */
  transferEncoding: string | undefined = undefined;
  /** Union of the `OPTION_` constants: which of the options that matter `Connection` has. */
  connectionOptions = 0;
  /** Whether there is an `Upgrade`; it counts only if `Connection` names it as well (RFC 9110 §7.8). */
  hasUpgrade = false;
  /** All values of `Expect`, joined by commas; undefined without the field. */
  expect: string | undefined = undefined;

  /** Forgets everything, before another head. */
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
  note(field: number, value: string): void {
    switch (field) {
      case HOST:
        this.hostCount += 1;
        this.host = value;
        return;
      case CONTENT_LENGTH:
        this.contentLengthCount += 1;
        this.contentLength = value;
        return;
      case TRANSFER_ENCODING:
        this.transferEncoding = this.transferEncoding === undefined ? value : `${this.transferEncoding},${value}`;
        return;
      case CONNECTION:
        this.connectionOptions |= connectionOptionsIn(value);
        return;
      case UPGRADE_FIELD:
        this.hasUpgrade = true;
        return;
      case EXPECT:
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
  if (value === "keep-alive") return OPTION_KEEP_ALIVE;
  if (value === "close") return OPTION_CLOSE;
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

/** The connection option between `start` and `end`, as a constant, or 0. */
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
