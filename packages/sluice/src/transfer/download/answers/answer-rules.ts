/**
 * What an answer to a request for a range means (RFC 9110 §14, §15.3.7, §15.5.17): decided from its head alone, before a byte of its body
 * is written anywhere. A 206 is believed only where it is exactly what was asked for, or a part of it; what contradicts itself is
 * refused. Pure.
 */

import { parseContentRange } from "../../../http/range.js";
import { type RemoteVersion, versionOfAnswer } from "./remote-version.js";

/** What was asked for: bytes from `first` up to, not including, `end`; without `end`, to the end of the file. */
export interface AskedRange {
  readonly first: number;
  readonly end: number | undefined;
}

/** Of an answer, what decides. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
}

/** Its body is the whole file, perhaps with a content coding. */
export interface WholeVerdict {
  readonly kind: "whole";
  readonly version: RemoteVersion;
  readonly coded: boolean;
  readonly noRanges: boolean;
}

/** What to do with an answer. */
export type Verdict =
  /** Its body is the file's bytes from `start` up to `end`, the first `skip` of which were not asked for. */
  | {
      readonly kind: "part";
      readonly start: number;
      readonly end: number;
      readonly skip: number;
      readonly version: RemoteVersion;
    }
  | WholeVerdict
  /** Nothing lies behind `first`: the file ends at `size`, as far as the server says. */
  | { readonly kind: "beyond"; readonly size: number | undefined; readonly version: RemoteVersion }
  /** Not modified, or a condition failed: not what was asked. */
  | { readonly kind: "condition" }
  /** It breaks the rules in a way that makes its bytes worthless; `why` ends a sentence that begins "the answer". */
  | { readonly kind: "refused"; readonly why: string }
  /** Not now: worth another try. */
  | { readonly kind: "later" }
  /** The URL may have run out: worth finding it anew. */
  | { readonly kind: "expired" }
  /** Not at all. */
  | { readonly kind: "failed" };

/** Bytes before those asked for that are read and thrown away: caches that think in blocks begin at one of theirs. */
const MOST_SKIPPED = 1024 * 1024;
/** Worth another try (RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4). 5xx are, but for 501 and 505, which will say the same again. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);
const NEVER: ReadonlySet<number> = new Set([501, 505, 511]);
/** What signed URLs answer that have run out. */
const EXPIRED: ReadonlySet<number> = new Set([401, 403, 410]);

/** See the head of this file. */
export function judgeAnswer({ status, headers }: AnswerHead, asked: AskedRange): Verdict {
  if (status === 206) return judgePart(headers, asked);
  if (status === 200 || status === 203) return judgeWhole(headers);
  if (status === 416) {
    const size = parseContentRange(headers.get("content-range") ?? "")?.size;
    return { kind: "beyond", size, version: versionOfAnswer(headers, size) };
  }
  if (status === 304 || status === 412) return { kind: "condition" };
  if (EXPIRED.has(status)) return { kind: "expired" };
  if (LATER.has(status) || (status >= 500 && !NEVER.has(status))) return { kind: "later" };
  return { kind: "failed" };
}

/** An answer whose body is the whole file. */
export function judgeWhole(headers: AnswerHead["headers"]): WholeVerdict {
  const coded = isCoded(headers);
  // The length is that of the coded bytes, which says nothing of the file's.
  const size = coded ? undefined : lengthOf(headers);
  const noRanges = headers.get("accept-ranges")?.trim().toLowerCase() === "none";
  return { kind: "whole", version: versionOfAnswer(headers, size), coded, noRanges };
}

function judgePart(headers: AnswerHead["headers"], asked: AskedRange): Verdict {
  const why = faultOf(headers);
  if (why !== undefined) return { kind: "refused", why };
  const given = parseContentRange(headers.get("content-range") ?? "");
  if (given?.range === undefined) return { kind: "refused", why: "has no usable Content-Range" };
  const [start, end] = [given.range.first, given.range.last + 1];
  const skip = asked.first - start;
  if (skip < 0 || skip > MOST_SKIPPED || end <= asked.first) {
    return { kind: "refused", why: `has bytes ${start}-${end - 1}, not from ${asked.first} on` };
  }
  const length = lengthOf(headers);
  if (length !== undefined && length !== end - start) {
    return { kind: "refused", why: `says ${end - start} bytes in Content-Range and ${length} in Content-Length` };
  }
  return { kind: "part", start, end, skip, version: versionOfAnswer(headers, given.size) };
}

/** What makes a 206 unusable whatever its range. */
function faultOf(headers: AnswerHead["headers"]): string | undefined {
  if (headers.get("content-type")?.trim().toLowerCase().startsWith("multipart/byteranges")) {
    return "has several parts, where one was asked for";
  }
  // The range is one of coded bytes then, and how two runs of a coder cut them nobody knows.
  return isCoded(headers)
    ? `has the content coding ${headers.get("content-encoding")}, where identity was asked for`
    : undefined;
}

function isCoded(headers: AnswerHead["headers"]): boolean {
  const coding = headers.get("content-encoding")?.trim().toLowerCase();
  return coding !== undefined && coding !== "" && coding !== "identity";
}

function lengthOf(headers: AnswerHead["headers"]): number | undefined {
  const value = headers.get("content-length");
  return value === null ? undefined : Number(value);
}
