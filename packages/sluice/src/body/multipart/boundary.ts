/** The boundary of a multipart message, from its `Content-Type` (RFC 2046 §5.1.1). */

import { ContentTypeError, PayloadError } from "../../errors.js";
import { parseMediaType } from "../../http/media-type.js";

/** Longest boundary (RFC 2046 §5.1.1). */
const MAX_BOUNDARY_BYTES = 70;
/** Wider than the standard's list, as clients are; but no control characters, and no space at the end. */
const BOUNDARY = /^[\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff]$/;

/**
 * The boundary that `contentType` names. Throws `ContentTypeError` `response.content-type` for what is not multipart,
 * `PayloadError` `multipart/no-boundary` for a boundary that is missing or none.
 */
export function boundaryOf(contentType: string | undefined): string {
  const type = contentType === undefined ? undefined : parseMediaType(contentType);
  if (type?.type !== "multipart") {
    throw new ContentTypeError(
      "response.content-type",
      `Expected multipart, but the body is ${contentType ?? "of no type"}`,
    );
  }
  const boundary = type.parameters.get("boundary");
  if (boundary !== undefined && boundary.length <= MAX_BOUNDARY_BYTES && BOUNDARY.test(boundary)) return boundary;
  const what = boundary === undefined ? "none" : `one of ${boundary.length} characters`;
  throw new PayloadError(
    "multipart/no-boundary",
    `Cannot read the multipart body: its type has to name a boundary of 1 to ${MAX_BOUNDARY_BYTES} characters, and has ${what}`,
  );
}
