/**
 * How long a message's body is and whether the connection outlives it: the one place that decides, for what we read and
 * for what we write (RFC 9112 §6.3 and §9.3; RFC 9110 §6.4.1, §8.6, §9.3.6).
 *
 * Strategy: on reading, exactly one clear length or none; whatever two readers might understand differently is refused,
 * because that is what request smuggling is made of (RFC 9112 §11.2). Where RFC 9112 leaves a choice between repairing and
 * refusing, we refuse: a repeated `Content-Length` even if equal (§6.3, rule 5), `Transfer-Encoding` beside it (rule 3).
 */

import { parseDigits } from "../bytes/ascii.js";
import { PeerError } from "../errors.js";
import { expectsContent } from "../http/methods.js";
import { isAuthority } from "../http/target.js";
import { type FramingFields, listMembers, OPTION_CLOSE, OPTION_KEEP_ALIVE, OPTION_UPGRADE } from "./framing-fields.js";
import { CHUNKED, EXPECT_CONTINUE, EXPECT_UNKNOWN, KEEP_ALIVE, UNTIL_CLOSE, UPGRADE } from "./sinks.js";

/** Checks `Host`: once in HTTP/1.1, never twice, and valid (RFC 9112 §3.2). Throws `PeerError`. */
export function checkHost(version: number, seen: FramingFields): void {
  if (seen.hostCount === 0) {
    if (version === 10) return;
    throw new PeerError(
      "http1/host-missing",
      "Cannot accept request: HTTP/1.1 requires a Host field and there is none",
    );
  }
  if (seen.hostCount > 1) {
    throw new PeerError("http1/host-repeated", `Cannot accept request: Host is there ${seen.hostCount} times`);
  }
  if (!isAuthority(seen.host)) {
    throw new PeerError(
      "http1/host-invalid",
      "Cannot accept request: the value of Host is not a host with optional port",
    );
  }
}

/** Body length of a request: exact, or `CHUNKED` (RFC 9112 §6.3, rules 3 to 7). Throws `PeerError`. */
export function requestBodyLength(method: string, version: number, seen: FramingFields): number {
  const length = declaredLength(version, seen);
  // Rule 7: a request without a length has no body; it never ends with the connection.
  if (length === undefined) return 0;
  if (method === "CONNECT" && length !== 0) {
    // RFC 9110 §9.3.6: CONNECT has no content, and what follows its head is the tunnel's. A length would make that doubtful.
    throw new PeerError("http1/connect-with-body", "Cannot accept CONNECT request: it declares a body");
  }
  return length;
}

/**
 * Body length of a response: exact, `CHUNKED` or `UNTIL_CLOSE` (RFC 9112 §6.3, in the order of its rules; `requestMethod` is
 * that of the request it answers). Throws `PeerError`.
 */
export function responseBodyLength(
  requestMethod: string,
  status: number,
  version: number,
  seen: FramingFields,
): number {
  // Rules 1 and 2: no body, whatever the fields say, so that they aren't even judged.
  if (!mayHaveBody(requestMethod, status)) return 0;
  // Rules 3 to 6, then rule 8.
  return declaredLength(version, seen) ?? UNTIL_CLOSE;
}

/** True if the connection may carry another message after this one (RFC 9112 §9.3): `close` wins over `keep-alive`. */
export function persists(version: number, seen: FramingFields): boolean {
  if ((seen.connectionOptions & OPTION_CLOSE) !== 0) return false;
  return version === 11 || (seen.connectionOptions & OPTION_KEEP_ALIVE) !== 0;
}

/** The flags of a request head, see `sinks.ts`. */
export function requestFlags(version: number, seen: FramingFields): number {
  let flags = persists(version, seen) ? KEEP_ALIVE : 0;
  // An HTTP/1.0 client cannot mean either: RFC 9110 §7.8 (Upgrade) and §10.1.1 (Expect) have it ignored.
  if (version === 10) return flags;
  if (seen.hasUpgrade && (seen.connectionOptions & OPTION_UPGRADE) !== 0) flags |= UPGRADE;
  if (seen.expect !== undefined) flags |= isContinueOnly(seen.expect) ? EXPECT_CONTINUE : EXPECT_UNKNOWN;
  return flags;
}

/** False where body bytes never follow the head: to HEAD, 1xx, 204, 304, and 2xx to CONNECT (RFC 9112 §6.3, rules 1 and 2). */
export function mayHaveBody(requestMethod: string, status: number): boolean {
  if (status < 200 || status === 204 || status === 304 || requestMethod === "HEAD") return false;
  return !(requestMethod === "CONNECT" && status < 300);
}

/**
 * Which framing field a message we send carries: `length` (`Content-Length`), `chunked` (`Transfer-Encoding: chunked`),
 * `until-close` (neither: the body ends with the connection, which must then be closed) or `none` (neither, and no body).
 */
export type SentFraming = "none" | "length" | "chunked" | "until-close";

/**
 * The framing of a response we send to a request of `requestMethod` and `requestVersion` (10 or 11), whose content is `length`
 * bytes long, or of unknown length. Whether its bytes follow as well is `mayHaveBody`'s answer: to HEAD the length is told and
 * nothing sent (RFC 9110 §8.6, RFC 9112 §6.1).
 */
export function responseFraming(
  requestMethod: string,
  requestVersion: number,
  status: number,
  length: number | undefined,
): SentFraming {
  if (!mayHaveBody(requestMethod, status)) {
    // In 304 a length would have to be that of the 200 it stands for, which we don't know (RFC 9110 §8.6).
    const describes = requestMethod === "HEAD" && status >= 200 && status !== 204 && status !== 304;
    return describes && length !== undefined ? "length" : "none";
  }
  if (length !== undefined) return "length";
  return requestVersion === 11 ? "chunked" : "until-close";
}

/**
 * The framing of a request we send. `length` is that of its content, undefined if unknown; `hasContent` is false for none at
 * all, which methods that are about content state as a length of 0 (RFC 9110 §8.6).
 */
export function requestFraming(method: string, hasContent: boolean, length: number | undefined): SentFraming {
  if (hasContent) return length === undefined ? "chunked" : "length";
  return expectsContent(method) ? "length" : "none";
}

/** Rules 3 to 6 of RFC 9112 §6.3: what the fields declare, undefined if they declare nothing. */
function declaredLength(version: number, seen: FramingFields): number | undefined {
  if (seen.transferEncoding !== undefined) {
    // §6.1: to HTTP/1.0 the field means nothing, so a message with it is framed faultily whatever else it has.
    if (version === 10) {
      throw new PeerError(
        "http1/coding-in-http-1.0",
        "Cannot accept message: Transfer-Encoding in an HTTP/1.0 message",
      );
    }
    if (seen.contentLengthCount > 0) {
      throw new PeerError(
        "http1/length-with-coding",
        "Cannot accept message: it has both Content-Length and Transfer-Encoding",
      );
    }
    checkTransferEncoding(seen.transferEncoding);
    return CHUNKED;
  }
  if (seen.contentLengthCount === 0) return undefined;
  if (seen.contentLengthCount > 1) {
    throw new PeerError(
      "http1/length-repeated",
      `Cannot accept message: Content-Length is there ${seen.contentLengthCount} times`,
    );
  }
  return parseContentLength(seen.contentLength);
}

/**
 * `Content-Length = 1*DIGIT` (RFC 9110 §8.6), up to 2^53 - 1. A list of equal values is refused as well: the RFC permits
 * reading "5, 5" as 5, but nothing that is in use sends it, and readers differ in what they make of it.
 */
function parseContentLength(value: string): number {
  const length = parseDigits(value);
  if (length !== undefined) return length;
  if (/^[0-9]+$/.test(value)) {
    throw new PeerError("http1/length-too-large", "Cannot accept message: Content-Length is above 2^53 - 1", 413);
  }
  throw new PeerError("http1/length-invalid", "Cannot accept message: Content-Length is not a plain decimal number");
}

/**
 * We understand `chunked`, exactly once and alone (RFC 9112 §6.1 and §7). Compression belongs into Content-Encoding; a transfer
 * coding we don't know is 501, one that leaves the end of the body open is 400.
 */
function checkTransferEncoding(value: string): void {
  if (value.length === 7 && value.toLowerCase() === "chunked") return;
  const codings = listMembers(value.toLowerCase());
  const first = codings.indexOf("chunked");
  if (first !== -1 && first !== codings.length - 1) {
    throw new PeerError(
      "http1/coding-not-final",
      "Cannot accept message: Transfer-Encoding names chunked before its end, or more than once",
    );
  }
  if (codings.some((coding) => coding === "" || coding.startsWith("chunked;"))) {
    throw new PeerError("http1/coding-invalid", "Cannot accept message: the value of Transfer-Encoding is malformed");
  }
  throw new PeerError(
    "http1/coding-unknown",
    "Cannot accept message: Transfer-Encoding names a coding other than chunked",
    501,
  );
}

/** `100-continue` is the one expectation there is (RFC 9110 §10.1.1). */
function isContinueOnly(value: string): boolean {
  return listMembers(value).every((member) => member.toLowerCase() === "100-continue");
}
