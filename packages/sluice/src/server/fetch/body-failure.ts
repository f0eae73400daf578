/** What a fetch-style application gets when a request's body cannot be read. */

import { isSluiceError, ResponseTooLargeError } from "../../errors.js";
import { HttpError } from "../http-error.js";

/**
 * Thrown by a reader of a body that is too large: the answer is 413 where the application lets it pass. Some frameworks make a 500
 * of every error but those that bring their answer along as `getResponse`, as hono's own do.
 */
class BodyTooLargeError extends HttpError {
  getResponse(): Response {
    return new Response(`${this.message}\n`, { status: this.status });
  }
}

/** The error of a body beyond `maxBytes`. */
export function bodyTooLarge(maxBytes: number): HttpError {
  return new BodyTooLargeError(413, `The body has more than ${maxBytes} bytes`, { code: "server/body-too-large" });
}

/** In the words of the Fetch standard, a body that broke off is a `TypeError`; the reason is its cause. */
export function bodyFailure(error: unknown, maxBytes: number): unknown {
  if (error instanceof HttpError) return error;
  if (error instanceof ResponseTooLargeError) return bodyTooLarge(maxBytes);
  return isSluiceError(error) ? new TypeError("terminated", { cause: error }) : error;
}
