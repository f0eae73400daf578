/**
 * Reads requests as a server does: request lines (RFC 9112 §3) in front of what `MessageReader` reads.
 *
 * Strategy: the line is read in one pass by index and table. Only if that fails is it looked at again, to say what is wrong
 * and which status fits: 501 for a method longer than any we know, 414 for a target that is too long (RFC 9112 §3), 505
 * for another major version (RFC 9110 §15.6.6), 400 for the rest. A minor version above 1 is read as HTTP/1.1, the
 * highest we speak (RFC 9110 §2.5, RFC 9112 §2.3).
 */

import { SP, TARGET_CHARS, TOKEN_CHARS } from "../bytes/char-tables.js";
import { PeerError } from "../errors.js";
import { isRequestTarget } from "../http/target.js";
import { checkHost, requestBodyLength, requestFlags } from "./framing.js";
import { type Http1Limits, LONGEST_LINE_BYTES } from "./limits.js";
import { INCOMPLETE, type LineWindow } from "./line-window.js";
import { MessageReader } from "./message-reader.js";
import { KEEP_ALIVE, type RequestSink } from "./sinks.js";

/** What follows the target in nearly every request line. */
const USUAL_END = "HTTP/1.1\r\n";
const USUAL_METHOD = "GET";
const SLASH = 0x2f;

/**
 * Fed with what a client sends, tells a `RequestSink` of its requests. After CONNECT's head the reader is paused: `takeRest` if a
 * tunnel is made (RFC 9110 §9.3.6), `resume` to go on with HTTP. For other upgrades the sink pauses in `onEnd`.
 */
export class RequestReader extends MessageReader {
  readonly #sink: RequestSink;
  /** The longest request line whose parts are all within their limits. */
  readonly #maxStartLineBytes: number;
  /** The same, or less if the whole head may not be as long. */
  readonly #allowedLineBytes: number;
  // What the request line said, kept until the head is complete.
  #method = "";
  #target = "";
  #version = 11;
  /** Whether another request may follow the one being read (RFC 9112 §9.3). */
  #persists = true;
  /** The value of `Host` that was found valid last. */
  #checkedHost = "";

  constructor(sink: RequestSink, limits: Readonly<Http1Limits>) {
    super(sink, limits, limits.maxEmptyLines);
    this.#sink = sink;
    // RFC 9112 §3: method, target, and " " " HTTP/1.1" CRLF without the first of these spaces.
    const maxBytes = limits.maxMethodBytes + 1 + limits.maxTargetBytes + 1 + USUAL_END.length;
    this.#maxStartLineBytes = Math.min(maxBytes, LONGEST_LINE_BYTES);
    this.#allowedLineBytes = Math.min(this.#maxStartLineBytes, limits.maxHeadBytes);
  }

  protected messageStarting(): void {
    // A client may send a request whenever it likes.
  }

  /** `request-line = method SP request-target SP HTTP-version` CRLF, with single spaces (RFC 9112 §3). */
  protected readStartLine(lines: LineWindow, start: number): number {
    const { bytes, end } = lines;
    let at = start;
    while (at < end && TOKEN_CHARS[bytes[at] ?? 0] === 1) at += 1;
    const methodEnd = at;
    if (methodEnd === start || at === end || bytes[at] !== SP) return this.#refuse(lines, start);

    const targetStart = at + 1;
    at = targetStart;
    while (at < end && TARGET_CHARS[bytes[at] ?? 0] === 1) at += 1;
    if (at === targetStart || at === end || bytes[at] !== SP) return this.#refuse(lines, start);

    const lineEnd = at + 1 + USUAL_END.length;
    const version = lines.text.startsWith(USUAL_END, at + 1 - lines.textStart)
      ? 11
      : unusualVersion(lines.slice(at + 1, Math.min(lineEnd, end)));
    if (version === undefined) return this.#refuse(lines, start);

    this.#checkLength(lines, start, lineEnd - start);
    this.#version = version;
    // Nearly all are GET, which needs no string of its own.
    const isGet =
      methodEnd - start === USUAL_METHOD.length && lines.text.startsWith(USUAL_METHOD, start - lines.textStart);
    this.#keepMethod(isGet ? USUAL_METHOD : lines.slice(start, methodEnd));
    this.#keepTarget(lines.slice(targetStart, at));
    this.head.countStartLine(lineEnd - start);
    return lineEnd;
  }

  protected checkUnfinishedStartLine(lines: LineWindow): void {
    if (TOKEN_CHARS[lines.unfinishedFirst ?? 0] !== 1) throw notARequestLine();
    if (lines.unfinishedBytes > this.#allowedLineBytes) throw this.#tooLong(lines.unfinishedText);
  }

  /** In the order in which RFC 9112 has them checked: where to (§3.2), then how long (§6.3), then what next (§9.3). */
  protected headComplete(): number {
    const { framing, fields } = this.head;
    // Most connections say the same host again and again: it is checked once.
    if (framing.hostCount !== 1 || framing.host !== this.#checkedHost) {
      checkHost(this.#version, framing);
      this.#checkedHost = framing.host;
    }
    const bodyLength = requestBodyLength(this.#method, this.#version, framing);
    const flags = requestFlags(this.#version, framing);
    this.#persists = (flags & KEEP_ALIVE) !== 0;
    // What follows CONNECT's head is the tunnel's if there will be one, and a request if not (RFC 9110 §9.3.6): only the
    // sink's owner can tell.
    if (this.#method === "CONNECT") this.pause();
    this.#sink.onHead(this.#method, this.#target, this.#version, bodyLength, flags, fields);
    return bodyLength;
  }

  protected messageComplete(): boolean {
    return this.#persists;
  }

  #keepMethod(method: string): void {
    if (method.length > this.limits.maxMethodBytes) throw this.#methodTooLong();
    this.#method = method;
  }

  #keepTarget(target: string): void {
    if (target.length > this.limits.maxTargetBytes) throw this.#targetTooLong();
    // Origin-form, whose characters have been checked, is the one that nearly all have: any method but CONNECT takes it.
    const isOrigin = target.charCodeAt(0) === SLASH && this.#method !== "CONNECT";
    if (!isOrigin && !isRequestTarget(target, this.#method)) {
      const method = this.#method;
      throw new PeerError("http1/target-invalid", `Cannot read request: its target is not valid for method ${method}`);
    }
    this.#target = target;
  }

  /** Something is wrong with the line at `start`: says what, or `INCOMPLETE` as long as its line feed has not come. */
  #refuse(lines: LineWindow, start: number): typeof INCOMPLETE {
    const lineEnd = lines.findLineEnd(start);
    if (lineEnd === INCOMPLETE) return INCOMPLETE;
    if (TOKEN_CHARS[lines.bytes[start] ?? 0] !== 1) throw notARequestLine();
    this.#checkLength(lines, start, lineEnd - start);
    throw whatIsWrong(lines.slice(start, lineEnd - 1));
  }

  /** A line may be longer than allowed and complete: it is refused as if its end had not come. */
  #checkLength(lines: LineWindow, start: number, lineBytes: number): void {
    const allowed = this.#allowedLineBytes;
    // The verdict must not depend on how much has come: it is given on what makes the line too long, no more.
    if (lineBytes > allowed) throw this.#tooLong(lines.slice(start, start + allowed + 1));
  }

  /** Which of the limits a line that begins with `beginning` goes beyond, and so which status it gets (RFC 9112 §3). */
  #tooLong(beginning: string): PeerError {
    if (this.limits.maxHeadBytes < this.#maxStartLineBytes) return this.head.tooLarge();
    const methodLength = beginning.indexOf(" ");
    const isMethod = methodLength === -1 || methodLength > this.limits.maxMethodBytes;
    return isMethod ? this.#methodTooLong() : this.#targetTooLong();
  }

  #methodTooLong(): PeerError {
    const { maxMethodBytes } = this.limits;
    const message = `Cannot read request: its method is longer than the limit of ${maxMethodBytes} bytes`;
    return new PeerError("http1/method-too-long", message, 501);
  }

  #targetTooLong(): PeerError {
    const { maxTargetBytes } = this.limits;
    const message = `Cannot read request: its target is longer than the limit of ${maxTargetBytes} bytes`;
    return new PeerError("http1/target-too-long", message, 414);
  }
}

/** 10 or 11 for `HTTP/1.` and one digit at the end of a line; undefined for everything else (RFC 9112 §2.3). */
function unusualVersion(end: string): number | undefined {
  if (!/^HTTP\/1\.[0-9]\r\n$/.test(end)) return undefined;
  return end.startsWith("HTTP/1.0") ? 10 : 11;
}

/** Names the first fault of `line`, which is known to have one; its line feed is not part of it. */
function whatIsWrong(line: string): PeerError {
  let at = 0;
  while (TOKEN_CHARS[line.charCodeAt(at)] === 1) at += 1;
  if (line.charCodeAt(at) !== SP) return notARequestLine();
  const targetStart = at + 1;
  at = targetStart;
  while (TARGET_CHARS[line.charCodeAt(at)] === 1) at += 1;
  if (at === targetStart || (line.charCodeAt(at) !== SP && !isLineEnd(line, at))) {
    return new PeerError(
      "http1/target-invalid",
      "Cannot read request: its target is empty or has a forbidden character",
    );
  }
  if (line.charCodeAt(at) !== SP) return notARequestLine();
  const version = line.slice(at + 1);
  if (/^HTTP\/[0-9]\.[0-9]\r$/.test(version)) {
    const named = version.slice(0, -1);
    return new PeerError("http1/version-unsupported", `Cannot read request: ${named} is not HTTP/1.0 or HTTP/1.1`, 505);
  }
  if (/^HTTP\/1\.[0-9]$/.test(version)) {
    return new PeerError("http1/bare-line-feed", "Cannot read request: its line ends with a bare LF (RFC 9112 §2.2)");
  }
  return new PeerError("http1/version-invalid", "Cannot read request: its line does not end with an HTTP version");
}

function isLineEnd(line: string, at: number): boolean {
  return at === line.length || (at === line.length - 1 && line.endsWith("\r"));
}

function notARequestLine(): PeerError {
  return new PeerError(
    "http1/request-line-invalid",
    "Cannot read request: its first line is not method, space, target, space, version",
  );
}
