/** Several parts of one file in one answer: `multipart/byteranges` (RFC 9110 §14.6). */

import { type ByteRange, formatContentRange } from "../../http/range.js";
import { randomId } from "../../platform/random.js";
import type { BodyPart } from "./file-payload.js";

/** A body of several parts, and the `Content-Type` that names what stands between them. */
export interface ByteRanges {
  readonly contentType: string;
  readonly parts: readonly BodyPart[];
}

/**
 * The parts of a file of `size` bytes and the type `contentType`, each behind a head of its own. The boundary cannot be guessed, so no
 * file can contain it on purpose (RFC 2046 §5.1.1).
 */
export function makeByteRanges(ranges: readonly ByteRange[], size: number, contentType: string): ByteRanges {
  const boundary = randomId().replaceAll("-", "");
  const parts: BodyPart[] = [];
  for (const [index, range] of ranges.entries()) {
    const head = [
      `${index === 0 ? "" : "\r\n"}--${boundary}`,
      `Content-Type: ${contentType}`,
      `Content-Range: ${formatContentRange(range, size)}`,
      "\r\n",
    ];
    parts.push(Buffer.from(head.join("\r\n"), "latin1"), { start: range.first, end: range.last + 1 });
  }
  parts.push(Buffer.from(`\r\n--${boundary}--\r\n`, "latin1"));
  return { contentType: `multipart/byteranges; boundary=${boundary}`, parts };
}
