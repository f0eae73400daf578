/** What the client is told when there is no answer of the origin's to pass on (RFC 9110 §15.6.3 to §15.6.5). */

import {
  ConnectError,
  ConnectionLostError,
  isSluiceError,
  PayloadError,
  ProtocolError,
  RequestTimeoutError,
  SessionClosedError,
} from "../errors.js";
import { HttpError } from "../server/http-error.js";

/** There is no place in the session's pool. */
const FULL: ReadonlySet<string> = new Set(["pool/queue-full", "pool/upgraded-limit"]);

/** The answer that `error` deserves; what is no failure of the origin's or on the way to it stays as it is. */
export function upstreamFailure(error: unknown): unknown {
  if (!isSluiceError(error)) return error;
  if (error instanceof SessionClosedError || FULL.has(error.code)) return busy(error);
  if (error instanceof RequestTimeoutError) return error.phase === "queue" ? busy(error) : tooLate(error);
  if (error instanceof ConnectError) return new HttpError(502, undefined, { code: "proxy/unreachable", cause: error });
  const broken =
    error instanceof ConnectionLostError || error instanceof ProtocolError || error instanceof PayloadError;
  return broken ? new HttpError(502, undefined, { code: "proxy/bad-answer", cause: error }) : error;
}

function busy(cause: Error): HttpError {
  return new HttpError(503, undefined, { code: "proxy/busy", cause });
}

function tooLate(cause: Error): HttpError {
  return new HttpError(504, undefined, { code: "proxy/timeout", cause });
}
