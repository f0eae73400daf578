/**
 * Decides, in one place, how an answer is framed and whether the connection goes on after it (RFC 9112 §6, §9.3; RFC 9110 §6.4.1, §8.6),
 * and writes its head. The order of the decisions is that of RFC 9112 §6.3, seen from the sender.
 *
 * Strategy: most answers carry the same few field lines, so the text of a frozen list of lines is made and checked once
 * and found again by identity; names are checked once and remembered by spelling.
 */

import { UsageError } from "../errors.js";
import { reasonPhrase } from "../http/status.js";
import { mayHaveBody, responseFraming, type SentFraming } from "../http1/framing.js";
import type { FieldLines } from "../http1/sinks.js";
import { assertFieldName, assertFieldValue, assertReason } from "../http1/write-head.js";
import type { Answer } from "./answer.js";

const HTTP_10 = 10;
const SWITCHING_PROTOCOLS = 101;
const RESET_CONTENT = 205;
const NOT_MODIFIED = 304;

const DIGITS = /^[0-9]{1,15}$/;
/** Spellings of field names that are remembered; a handler that makes up names without end must not fill memory. */
const MOST_KNOWN_NAMES = 512;

/** What the framing of an answer depends on, of its request. */
export interface AnsweredRequest {
  readonly method: string;
  /** 10 or 11. */
  readonly version: number;
}

/** How an answer leaves. */
export interface AnswerPlan {
  /** latin1 text, complete. */
  readonly head: string;
  /** `none`: no body is sent, whatever the payload. */
  readonly framing: SentFraming;
  /** Bytes of the body under `length` framing, else 0. */
  readonly bodyBytes: number;
  /** The connection ends after this answer. */
  readonly close: boolean;
}

/** Field lines as text, and what the connection has to know of them. */
interface FieldText {
  readonly text: string;
  readonly hasDate: boolean;
  /** `Connection: close` was among them. */
  readonly close: boolean;
  readonly contentLength: number | undefined;
}

type FieldKind = "plain" | "date" | "connection" | "content-length" | "transfer-encoding";

const SPECIAL_NAMES: ReadonlyMap<string, FieldKind> = new Map([
  ["date", "date"],
  ["connection", "connection"],
  ["content-length", "content-length"],
  ["transfer-encoding", "transfer-encoding"],
]);

const kindsByName = new Map<string, FieldKind>();
const statusLines = new Map<number, string>();
const textsOfFrozen = new WeakMap<FieldLines, FieldText>();

/**
 * Plans the answer to `request`. `close` asks for the end of the connection after it; `dateLine` is a whole `Date` field line.
 * Throws `UsageError` when a field line cannot be sent or contradicts the payload; nothing was written then.
 */
export function planAnswer(request: AnsweredRequest, answer: Answer, close: boolean, dateLine: string): AnswerPlan {
  assertFinal(request, answer);
  const fields = textOf(answer.fields);
  const start = statusLine(answer.status, answer.reason) + fields.text + (fields.hasDate ? "" : dateLine);
  if (answer.successor !== undefined) {
    const upgrade = answer.status === SWITCHING_PROTOCOLS ? "Connection: Upgrade\r\n" : "";
    return { head: `${start}${upgrade}\r\n`, framing: "none", bodyBytes: 0, close: false };
  }
  const length = contentLength(request, answer, fields);
  const framing = responseFraming(request.method, request.version, answer.status, length);
  const ends = close || fields.close || framing === "until-close";
  const head = start + framingLine(answer.status, framing, length) + connectionLine(request, ends);
  const sent = answer.status === RESET_CONTENT || !mayHaveBody(request.method, answer.status) ? "none" : framing;
  return { head, framing: sent, bodyBytes: sent === "length" ? (length ?? 0) : 0, close: ends };
}

/** RFC 9110 §15: an answer is final, except the one that changes the protocol; a 2xx to CONNECT promises a tunnel (§9.3.6). */
function assertFinal(request: AnsweredRequest, answer: Answer): void {
  const { status, successor } = answer;
  const final = Number.isInteger(status) && status >= 200 && status <= 999;
  const tunnel = request.method === "CONNECT" && status >= 200 && status < 300;
  if (successor === undefined ? final && !tunnel : tunnel || status === SWITCHING_PROTOCOLS) return;
  throw new UsageError("reply/status", `Cannot answer ${request.method} with status ${status}: see RFC 9110 §15`);
}

/** The length to tell, if it is known (RFC 9110 §8.6). Contradictions are the application's mistake. */
function contentLength(request: AnsweredRequest, answer: Answer, fields: FieldText): number | undefined {
  const { status, payload } = answer;
  // RFC 9110 §15.3.6: 205 has no content, and says so.
  if (status === RESET_CONTENT) return 0;
  const given = fields.contentLength;
  // Without a payload, an answer to HEAD and a 304 may still name the length that GET would have had.
  if (payload === undefined && (request.method === "HEAD" || status === NOT_MODIFIED)) return given;
  const actual = payload === undefined ? 0 : payload.length;
  if (given !== undefined && actual !== undefined && given !== actual) {
    throw new UsageError("reply/content-length", `Cannot send Content-Length ${given}: the body has ${actual} bytes`);
  }
  return actual ?? given;
}

function framingLine(status: number, framing: SentFraming, length: number | undefined): string {
  if (framing === "chunked") return "Transfer-Encoding: chunked\r\n";
  return length !== undefined && (framing === "length" || status === NOT_MODIFIED)
    ? `Content-Length: ${length}\r\n`
    : "";
}

/** The last field line and the end of the head. RFC 9112 §9.3: 1.1 persists unless told otherwise, 1.0 only if told so. */
function connectionLine(request: AnsweredRequest, close: boolean): string {
  if (close) return "Connection: close\r\n\r\n";
  return request.version === HTTP_10 ? "Connection: keep-alive\r\n\r\n" : "\r\n";
}

/** Our own version is sent whatever the client's (RFC 9110 §6.2). */
function statusLine(status: number, reason: string | undefined): string {
  if (reason !== undefined) {
    assertReason(reason);
    return `HTTP/1.1 ${status} ${reason}\r\n`;
  }
  let line = statusLines.get(status);
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
    statusLines.set(status, line);
  }
  return line;
}

function textOf(fields: FieldLines): FieldText {
  const known = textsOfFrozen.get(fields);
  if (known !== undefined) return known;
  const made = makeText(fields);
  if (Object.isFrozen(fields)) textsOfFrozen.set(fields, made);
  return made;
}

function makeText(fields: FieldLines): FieldText {
  let text = "";
  let hasDate = false;
  let close = false;
  let contentLength: number | undefined;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? "";
    const value = fields[at + 1] ?? "";
    const kind = kindOf(name);
    assertFieldValue(name, value);
    if (kind === "content-length") contentLength = lengthFrom(value, contentLength);
    else if (kind === "connection" && isOwnOption(value)) close ||= value.toLowerCase() === "close";
    else if (kind === "transfer-encoding") throw transferEncodingRefused(value);
    else text += `${name}: ${value}\r\n`;
    if (kind === "date") hasDate = true;
  }
  return { text, hasDate, close, contentLength };
}

/** Connection options that the link writes itself; others (`upgrade` in a 426) pass. */
function isOwnOption(value: string): boolean {
  const option = value.toLowerCase();
  return option === "close" || option === "keep-alive";
}

function kindOf(name: string): FieldKind {
  const known = kindsByName.get(name);
  if (known !== undefined) return known;
  assertFieldName(name);
  const kind = SPECIAL_NAMES.get(name.toLowerCase()) ?? "plain";
  if (kindsByName.size < MOST_KNOWN_NAMES) kindsByName.set(name, kind);
  return kind;
}

function lengthFrom(value: string, earlier: number | undefined): number {
  const length = Number(value);
  if (DIGITS.test(value) && (earlier === undefined || earlier === length)) return length;
  throw new UsageError(
    "reply/content-length",
    `Cannot send Content-Length ${value}: expected one whole number of bytes`,
  );
}

function transferEncodingRefused(value: string): UsageError {
  return new UsageError(
    "reply/transfer-encoding",
    `Cannot send Transfer-Encoding ${value}: the connection chooses the framing of an answer`,
  );
}
