/**
 * Another limit for the bodies of some routes than the application's `maxBodySize`: less for most, more for uploads.
 *
 * What is declared too large is refused before the handler runs; what only turns out to be, by whoever reads it. The innermost of
 * several limits counts.
 */

import { requireNumber } from "../../options.js";
import type { Middleware } from "../middleware-chain.js";
import { tooLarge } from "../request/body-faults.js";
import { limitBody } from "../request/request-access.js";

/**
 * Answers 413 to bodies of more than `maxBytes`: 0 for no bodies, `Infinity` for no limit. `UsageError` `options/out-of-range` for a
 * negative number, or none.
 */
export function bodyLimit(maxBytes: number): Middleware {
  requireNumber("bodyLimit", maxBytes, 0, Number.POSITIVE_INFINITY);
  return function bodyLimit(request, next) {
    if (request.hasBody) {
      if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
      limitBody(request, maxBytes);
    }
    return next();
  };
}
