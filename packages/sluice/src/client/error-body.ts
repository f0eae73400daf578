/** How much of an error's body a `ResponseError` keeps, and how that is read. */

import type { Body } from "../body/body.js";

/** Bytes of the body that go into a `ResponseError`. */
export const ERROR_BODY_BYTES = 16 * 1024;

/** The beginning of `body`, and what broke it off if anything did. The rest is given up. */
export async function readErrorBody(body: Body): Promise<{ readonly bytes: Uint8Array; readonly cause?: unknown }> {
  const pieces: Uint8Array[] = [];
  let byteCount = 0;
  try {
    for await (const piece of body) {
      pieces.push(piece);
      byteCount += piece.byteLength;
      if (byteCount >= ERROR_BODY_BYTES) break;
    }
  } catch (cause) {
    // The status is the news; that the body broke off as well is its cause.
    return { bytes: Buffer.concat(pieces), cause };
  }
  return { bytes: Buffer.concat(pieces).subarray(0, ERROR_BODY_BYTES) };
}
