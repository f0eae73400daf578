/** What a body that cannot be read deserves as an answer: one function for each fault of the client's. */

import {
  ConnectionLostError,
  isSluiceError,
  PeerError,
  RequestTimeoutError,
  ResponseTooLargeError,
  type SluiceError,
  UsageError,
  ValidationError,
} from "../../errors.js";
import { HttpError } from "../http-error.js";
import { mismatchUnseen } from "./validation.js";

const MULTIPART = /^multipart\//;
const MULTIPART_LIMIT = /^multipart\/(?:too-|[a-z]+-too-large$)/;

/** The answer that a failed read deserves. What is not the client's doing stays as it is. */
export function asAnswer(cause: unknown, maxSize: number): unknown {
  if (cause instanceof HttpError || cause instanceof UsageError || !isSluiceError(cause)) return cause;
  if (cause instanceof ResponseTooLargeError) return grownTooLarge(cause, maxSize);
  if (cause instanceof ValidationError) return mismatchUnseen(cause);
  if (MULTIPART.test(cause.code)) return multipartFault(cause);
  if (cause instanceof PeerError) {
    return new HttpError(cause.statusHint, cause.message, { code: cause.code, cause, expose: true });
  }
  if (cause instanceof RequestTimeoutError) {
    return new HttpError(408, "The body did not arrive in time", { code: cause.code, cause });
  }
  if (cause instanceof ConnectionLostError) return badRequest(cause.code, "The body did not arrive completely", cause);
  return badRequest(cause.code, "The body is malformed", cause);
}

function grownTooLarge(cause: ResponseTooLargeError, maxSize: number): HttpError {
  if (cause.code !== "body/expansion") return tooLarge(maxSize);
  return new HttpError(413, "The body expands too much when it is decoded", { code: cause.code, cause });
}

/** Their messages name limits and parts, never content. */
function multipartFault(cause: SluiceError): HttpError {
  const status = MULTIPART_LIMIT.test(cause.code) ? 413 : 400;
  return new HttpError(status, cause.message, { code: cause.code, cause });
}

/** 413 (RFC 9110 §15.5.14). */
export function tooLarge(maxSize: number): HttpError {
  return new HttpError(413, `The body has more than ${maxSize} bytes`, { code: "server/body-too-large" });
}

/** 415 for the media type (RFC 9110 §15.5.16). */
export function unsupported(message: string): HttpError {
  return new HttpError(415, message, { code: "server/media-type" });
}

/** 400 (RFC 9110 §15.5.1). `message` is shown to the client. */
export function badRequest(code: string, message: string, cause: unknown): HttpError {
  return new HttpError(400, message, { code, cause });
}
