/**
 * The answer to a GET or HEAD of one file: 200, 206, 304, 412 or 416, in the order of RFC 9110 §13.2.2. What needs no file that is
 * not in memory yet is answered at once, without a promise.
 */

import type { Payload } from "../../body/payload.js";
import { WholePayload } from "../../body/sending/whole-payload.js";
import { negotiateEncoding } from "../../http/accept.js";
import { evaluateConditions, isRangeFresh, readConditions } from "../../http/conditional.js";
import { HttpHeaders } from "../../http/headers.js";
import { type ByteRange, formatContentRange, parseByteRanges } from "../../http/range.js";
import type { FieldLines } from "../../http1/sinks.js";
import { findField, joinField } from "../field-lookup.js";
import { HttpError } from "../http-error.js";
import { NotModified } from "../not-modified.js";
import { Reply } from "../reply.js";
import { type ByteRanges, makeByteRanges } from "./byte-ranges.js";
import type { StaticFile } from "./file-cache.js";
import { type BodyPart, FilePayload } from "./file-payload.js";
import { type Representation, reopen } from "./representation.js";

/** What of a request decides how a file is answered. */
export interface Asked {
  readonly method: string;
  readonly fields: FieldLines;
}

const PARTIAL_CONTENT = 206;
const PRECONDITION_FAILED = 412;
const RANGE_NOT_SATISFIABLE = 416;

/** {@link answerFile} with the file itself, or with the sibling in the coding that the client likes best. */
export function answerStaticFile(
  asked: Asked,
  { original, siblings }: StaticFile,
  nowMs: () => number,
): Reply | Promise<Reply | undefined> {
  if (siblings.length === 0) return answerFile(asked, original, nowMs);
  const accepted = joinField(asked.fields, "accept-encoding");
  const coding = negotiateEncoding(accepted, [...siblings.map((sibling) => sibling.coding), "identity"]);
  const chosen = siblings.find((sibling) => sibling.coding === coding);
  return answerFile(asked, chosen?.representation ?? original, nowMs);
}

/**
 * Answers with `file`; `nowMs` is the time since the Unix epoch. Resolves to undefined when the file is another version by now:
 * then it has to be looked at anew. Throws `HttpError` 412 and 416, and rejects with the system's error for a file that cannot be
 * opened.
 */
export function answerFile(
  asked: Asked,
  file: Representation,
  nowMs: () => number,
): Reply | Promise<Reply | undefined> {
  const { method, fields } = asked;
  const conditions = readConditions(fields);
  if (conditions !== undefined) {
    const verdict = evaluateConditions(method, conditions, file.validators);
    if (verdict === "not-modified") return notModified(file);
    if (verdict === "failed") throw new HttpError(PRECONDITION_FAILED, "The file is not what the request expects");
  }
  const range = method === "GET" ? findField(fields, "range") : undefined;
  if (range !== undefined && isRangeFresh(conditions?.ifRange, file.validators, nowMs())) {
    const { size } = file.version;
    const ranges = parseByteRanges(range, size);
    if (ranges === "unsatisfiable") throw notSatisfiable(size);
    if (ranges !== undefined) return answerRanges(file, ranges);
  }
  if (file.payload !== undefined) return new Reply(200, file.fields, file.payload);
  if (method === "HEAD") return new Reply(200, [...file.fields, "Content-Length", String(file.version.size)]);
  return answerParts(file, 200, file.fields, [{ start: 0, end: file.version.size }]);
}

function notModified({ notModified, fields, version }: Representation): Reply {
  return new NotModified(notModified, { fields, length: version.size });
}

function answerRanges(file: Representation, ranges: readonly ByteRange[]): Reply | Promise<Reply | undefined> {
  const { size } = file.version;
  const headers = HttpHeaders.fromFields(file.fields);
  const [only, ...others] = ranges;
  if (only !== undefined && others.length === 0) {
    headers.set("Content-Range", formatContentRange(only, size));
    return answerParts(file, PARTIAL_CONTENT, headers.raw, [{ start: only.first, end: only.last + 1 }]);
  }
  const { contentType, parts }: ByteRanges = makeByteRanges(ranges, size, headers.get("content-type") ?? "");
  headers.set("Content-Type", contentType);
  return answerParts(file, PARTIAL_CONTENT, headers.raw, parts);
}

function answerParts(
  file: Representation,
  status: number,
  fields: FieldLines,
  parts: readonly BodyPart[],
): Reply | Promise<Reply | undefined> {
  const { whole } = file;
  if (whole !== undefined) return new Reply(status, fields, partsOf(whole, parts));
  return reopen(file).then((open) =>
    open === undefined ? undefined : new Reply(status, fields, new FilePayload(open, parts)),
  );
}

function partsOf(whole: Uint8Array, parts: readonly BodyPart[]): Payload {
  const pieces = parts.map((part) => (part instanceof Uint8Array ? part : whole.subarray(part.start, part.end)));
  const [only] = pieces;
  return new WholePayload(only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces), undefined);
}

function notSatisfiable(size: number): HttpError {
  const headers = { "Content-Range": formatContentRange(undefined, size), "Accept-Ranges": "bytes" };
  return new HttpError(RANGE_NOT_SATISFIABLE, `The file has ${size} bytes, none of them in the ranges asked for`, {
    headers,
  });
}
