/**
 * Writes heads, chunk sizes and trailers (RFC 9112 §3, §4, §5 and §7.1). Pure: text out, one character an octet.
 *
 * Whatever a caller gives is checked as strictly as what a peer sends, so that no CR, LF or NUL and no character above U+00FF
 * ever reaches the wire (RFC 9112 §11.1), and no head is written whose body could be measured in two ways (§11.2). The head
 * is built by adding strings, which joins them once, when it is sent.
 */

import { parseDigits } from "../bytes/ascii.js";
import { areAllIn, FIELD_VALUE_CHARS, isToken, TOKEN_CHARS } from "../bytes/char-tables.js";
import { UsageError } from "../errors.js";
import { reasonPhrase } from "../http/status.js";
import { isRequestTarget } from "../http/target.js";
import { isForbiddenTrailer } from "../http/trailer-fields.js";
import { CONTENT_LENGTH, framingFieldNamed, HOST, TRANSFER_ENCODING } from "./framing-fields.js";
import type { FieldLines } from "./sinks.js";

/** What ends a chunked body without trailers (RFC 9112 §7.1). */
export const LAST_CHUNK = "0\r\n\r\n";

/** Throws `UsageError` `http1/method-invalid` unless `method` is a token (RFC 9110 §9.1). */
export function assertMethod(method: string): void {
  if (isToken(method)) return;
  throw new UsageError("http1/method-invalid", `Cannot send method ${quote(method)}: it is not a token`);
}

/** Throws `UsageError` `http1/target-invalid` unless `target` is valid for `method` (RFC 9112 §3.2). */
export function assertTarget(target: string, method: string): void {
  if (isRequestTarget(target, method)) return;
  throw new UsageError("http1/target-invalid", `Cannot send ${method} request: its target is not valid for the method`);
}

/** Throws `UsageError` `http1/field-name-invalid` unless `name` is a token (RFC 9110 §5.1). */
export function assertFieldName(name: string): void {
  if (name.length > 0 && areAllIn(TOKEN_CHARS, name)) return;
  throw new UsageError("http1/field-name-invalid", `Cannot send field ${quote(name)}: its name is not a token`);
}

/**
 * Throws `UsageError` `http1/field-value-invalid` unless `value` has only HTAB, space, visible and obs-text characters
 * (RFC 9110 §5.5). Never shows the value: it may be secret.
 */
export function assertFieldValue(name: string, value: string): void {
  if (areAllIn(FIELD_VALUE_CHARS, value)) return;
  throw new UsageError(
    "http1/field-value-invalid",
    `Cannot send field ${quote(name)}: its value has a control character or one above U+00FF; encode it first`,
  );
}

/** Throws `UsageError` `http1/reason-invalid` unless `reason` may stand in a status line (RFC 9112 §4). */
export function assertReason(reason: string): void {
  if (areAllIn(FIELD_VALUE_CHARS, reason)) return;
  throw new UsageError("http1/reason-invalid", "Cannot send response: its reason phrase has a forbidden character");
}

/**
 * Checks every name and value, and that together they frame a message in one way: one `Host`, one valid `Content-Length` or
 * `Transfer-Encoding: chunked` or neither (RFC 9112 §6.2 and §6.1). Throws `UsageError`. For fields that are sent often
 * and checked once; `writeRequestHead` and `writeResponseHead` check by themselves.
 */
export function assertFields(fields: FieldLines): void {
  fieldText(fields);
}

/** The head of a request, up to and with its empty line (RFC 9112 §3). Throws `UsageError`. */
export function writeRequestHead(method: string, target: string, fields: FieldLines): string {
  assertMethod(method);
  assertTarget(target, method);
  return `${method} ${target} HTTP/1.1\r\n${fieldText(fields)}\r\n`;
}

/**
 * The head of a response, up to and with its empty line (RFC 9112 §4). `status` is 100 to 999; without `reason` the registered
 * phrase is taken, which may be none. Throws `UsageError`.
 */
export function writeResponseHead(status: number, reason: string | undefined, fields: FieldLines): string {
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw new UsageError("http1/status-invalid", `Cannot send response: status ${status} is not from 100 to 999`);
  }
  if (reason !== undefined) assertReason(reason);
  return `HTTP/1.1 ${status} ${reason ?? reasonPhrase(status)}\r\n${fieldText(fields)}\r\n`;
}

/** The line before a chunk of `byteLength` octets; CRLF follows them (RFC 9112 §7.1). 0 would end the body: `UsageError`. */
export function chunkHead(byteLength: number): string {
  if (!Number.isSafeInteger(byteLength) || byteLength <= 0) {
    throw new UsageError("http1/chunk-size-invalid", `Cannot send chunk: its length is ${byteLength}, not above 0`);
  }
  return `${byteLength.toString(16)}\r\n`;
}

/** Throws `UsageError` `http1/trailer-forbidden` for a field that must not be a trailer (RFC 9110 §6.5.1). */
export function assertTrailerName(name: string): void {
  if (!isForbiddenTrailer(name)) return;
  throw new UsageError(
    "http1/trailer-forbidden",
    `Cannot send trailer ${quote(name)}: a recipient needs it before the body, so it belongs into the head`,
  );
}

/**
 * The last chunk and its trailer section (RFC 9112 §7.1.2). Throws `UsageError` for invalid fields, and for those which may not be
 * trailers (RFC 9110 §6.5.1).
 */
export function writeTrailers(fields: FieldLines): string {
  assertPaired(fields);
  let text = "0\r\n";
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    const value = fields[at + 1] ?? "";
    assertFieldName(name);
    assertFieldValue(name, value);
    assertTrailerName(name);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

/** The lines, checked one by one and then together. One pass: this runs for every message that is sent. */
function fieldText(fields: FieldLines): string {
  assertPaired(fields);
  let text = "";
  let hosts = 0;
  let lengths = 0;
  let codings = 0;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    const value = fields[at + 1] ?? "";
    assertFieldName(name);
    assertFieldValue(name, value);
    switch (framingFieldNamed(name)) {
      case HOST:
        hosts += 1;
        break;
      case CONTENT_LENGTH:
        lengths += 1;
        assertContentLength(value);
        break;
      case TRANSFER_ENCODING:
        codings += 1;
        assertTransferEncoding(value);
        break;
      default:
        break;
    }
    text += `${name}: ${value}\r\n`;
  }
  if (hosts > 1) throw new UsageError("http1/host-repeated", `Cannot send message: Host is there ${hosts} times`);
  if (lengths + codings > 1) {
    throw new UsageError(
      "http1/length-ambiguous",
      `Cannot send message: it has ${lengths} Content-Length and ${codings} Transfer-Encoding fields, at most one may be`,
    );
  }
  return text;
}

/** A list of odd length has lost a name or a value on its way: everything behind would be the wrong way round. */
function assertPaired(fields: FieldLines): void {
  if (fields.length % 2 === 0) return;
  throw new UsageError(
    "http1/fields-unpaired",
    `Cannot send fields: ${fields.length} strings are not names and values`,
  );
}

/** What we would refuse to read we don't write (RFC 9110 §8.6). */
function assertContentLength(value: string): void {
  if (parseDigits(value) !== undefined) return;
  throw new UsageError(
    "http1/length-invalid",
    "Cannot send message: Content-Length is not a decimal number up to 2^53 - 1",
  );
}

/** The one coding that every HTTP/1.1 recipient knows (RFC 9112 §7). */
function assertTransferEncoding(value: string): void {
  if (value.toLowerCase() === "chunked") return;
  throw new UsageError("http1/coding-unknown", "Cannot send message: the one Transfer-Encoding we can send is chunked");
}

/** A caller's name, fit for an error message: escaped and not too long. */
function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
