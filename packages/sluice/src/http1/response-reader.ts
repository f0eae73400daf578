/**
 * Reads responses as a client does: status lines (RFC 9112 §4) in front of what `MessageReader` reads.
 *
 * How long a response is depends on what was asked (RFC 9112 §6.3), so each request is announced with `expect`; bytes that
 * nobody asked for are refused rather than given to the next request (RFC 9112 §9.2).
 *
 * Strict, with two exceptions that deployed servers need and that leave nothing in doubt: the space before an absent reason
 * phrase may be absent too (RFC 9112 §4 has clients ignore the phrase), and codes from 600 to 999 are passed on, for RFC 9110
 * §15 has clients treat them as server errors. Codes below 100 are refused: nothing says whether more follows them.
 */

import { areAllIn, CR, FIELD_VALUE_CHARS, isDigit, LF, SP } from "../bytes/char-tables.js";
import { PeerError } from "../errors.js";
import { describeStart } from "./foreign-start.js";
import { persists, responseBodyLength } from "./framing.js";
import type { Http1Limits } from "./limits.js";
import { INCOMPLETE, type LineWindow } from "./line-window.js";
import { ANOTHER_HEAD, MessageReader, NOT_HTTP } from "./message-reader.js";
import { KEEP_ALIVE, type ResponseSink, UNTIL_CLOSE, UPGRADE } from "./sinks.js";

/** What nearly every status line begins with. */
const USUAL_START = "HTTP/1.1 ";
const UPPER_H = 0x48;

/** A request whose answer is to come. */
interface Expectation {
  readonly method: string;
  readonly upgrade: boolean;
}

/**
 * Fed with what a server sends, tells a `ResponseSink` of the responses to the requests announced. After 101 and after 2xx to CONNECT
 * the reader stops without `onEnd`: `takeRest` gives what follows (RFC 9110 §15.2.2 and §9.3.6).
 */
export class ResponseReader extends MessageReader {
  readonly #sink: ResponseSink;
  /** Requests announced, the first {@link #answeredCount} of them answered. */
  #expected: Expectation[] = [];
  #answeredCount = 0;
  /** Whether bytes may be the rest of an answer that was longer than it said. */
  #hasAnswered = false;
  // What the status line said, kept until the head is complete.
  #version = 11;
  #status = 0;
  #reason = "";
  /** Interim responses since the last final one: a server must not keep a client busy with them for ever. */
  #interimCount = 0;
  /** Whether another response may follow the one being read (RFC 9112 §9.3). */
  #persists = true;

  constructor(sink: ResponseSink, limits: Readonly<Http1Limits>) {
    // RFC 9112 §2.2 has servers pass over empty lines, not clients.
    super(sink, limits, 0);
    this.#sink = sink;
  }

  /** How many of the requests announced still wait for the end of their answer. */
  get expectedCount(): number {
    return this.#expected.length - this.#answeredCount;
  }

  /**
   * Announces that a request of `method` was sent, or is about to be; answers come in the order of these calls (RFC 9112 §9.3).
   * `upgrade`: it asked for another protocol, so that 101 may answer it (RFC 9110 §7.8).
   */
  expect(method: string, upgrade = false): void {
    this.#expected.push({ method, upgrade });
  }

  protected messageStarting(): void {
    this.#expectation();
  }

  /** `status-line = HTTP-version SP status-code SP [ reason-phrase ]` CRLF (RFC 9112 §4). */
  protected readStartLine(lines: LineWindow, start: number): number {
    const { text } = lines;
    const textStart = start - lines.textStart;
    let at = textStart + USUAL_START.length;
    const version = text.startsWith(USUAL_START, textStart) ? 11 : unusualVersion(text.slice(textStart, at));
    if (version === undefined) return this.#refuse(lines, start);
    const status = statusAt(text, at);
    if (status === undefined) return this.#refuse(lines, start);
    at += 3;
    // Behind the digits: a space and a phrase, a space and nothing, or nothing.
    let reasonStart = at;
    if (text.charCodeAt(at) === SP) {
      at += 1;
      reasonStart = at;
      while (at < text.length && FIELD_VALUE_CHARS[text.charCodeAt(at)] === 1) at += 1;
    }
    if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) return this.#refuse(lines, start);
    const lineBytes = at + 2 - textStart;
    this.head.checkLength(lineBytes);
    this.head.countStartLine(lineBytes);
    this.#version = version;
    this.#status = status;
    this.#reason = text.substring(reasonStart, at);
    return start + lineBytes;
  }

  protected checkUnfinishedStartLine(lines: LineWindow): void {
    if (lines.unfinishedFirst !== UPPER_H) throw this.#notAStatusLine(lines.unfinishedText);
    this.head.checkLength(lines.unfinishedBytes);
  }

  /** First what is no final response (RFC 9110 §15.2), then how long the final one is (RFC 9112 §6.3). */
  protected headComplete(): number {
    const status = this.#status;
    const expected = this.#expectation();
    if (status === 101) return this.#switchProtocols(expected);
    if (status < 200) return this.#interim();

    this.#interimCount = 0;
    const { framing, fields } = this.head;
    const bodyLength = responseBodyLength(expected.method, status, this.#version, framing);
    this.#persists = bodyLength !== UNTIL_CLOSE && persists(this.#version, framing);
    const flags = this.#persists ? KEEP_ALIVE : 0;
    // RFC 9112 §6.3, rule 2: the connection becomes a tunnel behind this head.
    const isTunnel = expected.method === "CONNECT" && status < 300;
    if (isTunnel) this.#answered();
    this.#sink.onHead(status, this.#reason, this.#version, bodyLength, flags, fields);
    return isTunnel ? NOT_HTTP : bodyLength;
  }

  protected messageComplete(): boolean {
    this.#answered();
    return this.#persists;
  }

  /** The request that what comes now answers. */
  #expectation(): Expectation {
    const expected = this.#expected[this.#answeredCount];
    if (expected !== undefined) return expected;
    throw new PeerError(
      "http1/unexpected-response",
      "Cannot read response: the peer sent bytes that nothing asked for",
    );
  }

  /** 101 is final: what follows it is in the protocol that its `Upgrade` names (RFC 9110 §15.2.2). */
  #switchProtocols(expected: Expectation): number {
    // RFC 9110 §7.8: a server switches only to what the client offered.
    if (!expected.upgrade) {
      throw new PeerError("http1/unexpected-upgrade", "Cannot accept response: 101 to a request without Upgrade");
    }
    this.#interimCount = 0;
    this.#answered();
    this.#sink.onHead(101, this.#reason, this.#version, 0, UPGRADE, this.head.fields);
    return NOT_HTTP;
  }

  /** Any other 1xx: the final response is still to come (RFC 9110 §15.2). */
  #interim(): number {
    this.#interimCount += 1;
    const { maxInterimResponses } = this.limits;
    if (this.#interimCount > maxInterimResponses) {
      const message = `Cannot read response: more interim responses than the limit of ${maxInterimResponses}`;
      throw new PeerError("http1/too-many-interim-responses", message);
    }
    this.#sink.onInformational(this.#status, this.#reason, this.head.fields);
    return ANOTHER_HEAD;
  }

  /** Forgets the request whose answer is complete. */
  #answered(): void {
    this.#hasAnswered = true;
    this.#answeredCount += 1;
    // Forgetting all at once, when nothing is left, keeps taking from the front O(1).
    if (this.#answeredCount < this.#expected.length) return;
    this.#expected = [];
    this.#answeredCount = 0;
  }

  /** Something is wrong with the line at `start`: says what, or `INCOMPLETE` as long as its line feed has not come. */
  #refuse(lines: LineWindow, start: number): typeof INCOMPLETE {
    const lineEnd = lines.findLineEnd(start);
    if (lineEnd === INCOMPLETE) return INCOMPLETE;
    const line = lines.slice(start, lineEnd - 1);
    if (lines.bytes[start] !== UPPER_H) throw this.#notAStatusLine(line);
    this.head.checkLength(lineEnd - start);
    throw whatIsWrong(line) ?? this.#notAStatusLine(line);
  }

  #notAStatusLine(line: string): PeerError {
    const start = describeStart(line, this.#hasAnswered);
    return new PeerError("http1/status-line-invalid", `Cannot read response: ${start}`);
  }
}

/** 10 or 11 for `HTTP/1.`, one digit and a space (RFC 9112 §2.3); undefined for everything else. */
function unusualVersion(beginning: string): number | undefined {
  if (!/^HTTP\/1\.[0-9] $/.test(beginning)) return undefined;
  return beginning === "HTTP/1.0 " ? 10 : 11;
}

/** The three digits at `at`, 100 to 999; undefined if they are not there. */
function statusAt(text: string, at: number): number | undefined {
  const hundreds = text.charCodeAt(at);
  const tens = text.charCodeAt(at + 1);
  const ones = text.charCodeAt(at + 2);
  if (!isDigit(hundreds) || !isDigit(tens) || !isDigit(ones) || hundreds === 0x30) return undefined;
  return (hundreds - 0x30) * 100 + (tens - 0x30) * 10 + (ones - 0x30);
}

/** Names the fault of `line`, which has one, unless it is no status line at all; its line feed is not part of it. */
function whatIsWrong(line: string): PeerError | undefined {
  if (/^HTTP\/(?!1)[0-9]\.[0-9] /.test(line)) {
    const version = line.slice(0, 8);
    return new PeerError(
      "http1/version-unsupported",
      `Cannot read response: ${version} is not HTTP/1.0 or HTTP/1.1`,
      505,
    );
  }
  const start = /^HTTP\/1\.[0-9] [1-9][0-9]{2}(?= |$)/.exec(line);
  if (start !== null && areAllIn(FIELD_VALUE_CHARS, line, start[0].length)) {
    return new PeerError("http1/bare-line-feed", "Cannot read response: its line ends with a bare LF (RFC 9112 §2.2)");
  }
  return undefined;
}
