/**
 * Whether an answer's trailers are sent (RFC 9110 §6.5.1): to clients that say that they take them, `TE: trailers`, and where there is a
 * place for them, which HTTP/1.0 does not have. Fields that nobody will read cost a body its length.
 */

import type { FieldLines } from "../http1/sinks.js";
import type { Answer } from "./answer.js";
import type { RequestHead } from "./http1-exchange.js";

const HTTP_11 = 11;

/** `answer` with its trailers announced (RFC 9110 §6.6.2), or without them. */
export function withTrailersFor(request: RequestHead, answer: Answer): Answer {
  const { payload } = answer;
  if (payload?.trailers === undefined) return answer;
  const { names, unasked = false } = payload.trailers;
  if (request.version < HTTP_11 || !(unasked || takesTrailers(request.fields))) {
    return { ...partsOf(answer), payload: payload.plain ?? payload };
  }
  if (names.length === 0) return answer;
  return { ...partsOf(answer), fields: [...answer.fields, "Trailer", names.join(", ")] };
}

/** An answer's properties may be accessors, which copying it would not find. */
function partsOf({ status, reason, fields, payload, onSent, successor }: Answer): Answer {
  return { status, reason, fields, payload, onSent, successor };
}

function takesTrailers(fields: FieldLines): boolean {
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== "te") continue;
    const codings = (fields[at + 1] ?? "").split(",");
    if (codings.some((coding) => coding.trim().toLowerCase() === "trailers")) return true;
  }
  return false;
}
