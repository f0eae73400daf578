/**
 * Request bodies with a content coding (RFC 9110 §8.4): which are taken, and how much they may grow. What a handler's readers count is
 * what comes out; besides, no more may come in than may come out, and the output may be only so many times the input, because a coding
 * is a way of sending ten thousand times as much as the wire carries.
 */

import type { BodyDecoder } from "../../body/body-decoder.js";
import { acceptEncoding, type ContentCoding, codingsOf, decoderFor, requireCoding } from "../../body/content-coding.js";
import { PayloadError } from "../../errors.js";
import { refuseUnknown, requireNumber, requireObject } from "../../options.js";
import { HttpError } from "../http-error.js";

/** How request bodies are decoded. */
export interface DecompressOptions {
  /**
   * The codings that are undone; another is answered with 415 and an `Accept-Encoding` that names these (RFC 9110 §15.5.16).
   * `UsageError` `options/unknown-value` for one that this Node.js cannot undo.
   *
   * @default all it can: gzip, deflate, br, and zstd in newer versions
   */
  readonly codings?: readonly ContentCoding[];
  /**
   * Most bytes of output for each byte of input, looked at once there are 16 MiB of output; beyond it 413. From 1; `Infinity` for no
   * limit. `UsageError` `options/out-of-range`.
   *
   * @default 200
   */
  readonly maxExpansion?: number;
}

/** What is decoded, and within which limits. */
export interface Decompression {
  /** The value of an `Accept-Encoding` that names the codings taken. */
  readonly accepted: string;
  /** A decoder for a `Content-Encoding` value; undefined if there is nothing to undo. Throws `HttpError` 415 for an unknown coding. */
  decoderOf(codings: string): BodyDecoder | undefined;
}

const DEFAULT_MAX_EXPANSION = 200;
const KNOWN: ReadonlySet<string> = new Set<keyof DecompressOptions>(["codings", "maxExpansion"]);
const OFF: Decompression = decompressionOf([], 1);

/** Checks the option `decompress` of an application. Throws `UsageError` `options/…`. */
export function resolveDecompress(given: boolean | DecompressOptions = true): Decompression {
  if (given === false) return OFF;
  const options = given === true ? {} : given;
  requireObject("decompress", options);
  refuseUnknown("decompress", options, KNOWN);
  const { codings, maxExpansion = DEFAULT_MAX_EXPANSION } = options;
  requireNumber("decompress.maxExpansion", maxExpansion, 1, Number.POSITIVE_INFINITY);
  if (codings !== undefined) {
    requireObject("decompress.codings", codings);
    for (const coding of codings) requireCoding(coding);
  }
  return decompressionOf(codings ?? codingsOf(acceptEncoding()), maxExpansion);
}

function decompressionOf(known: readonly ContentCoding[], maxExpansion: number): Decompression {
  const accepted = known.length === 0 ? "identity" : known.join(", ");
  return Object.freeze({
    accepted,
    decoderOf(field: string): BodyDecoder | undefined {
      const codings = namedIn(field, accepted);
      if (codings.some((coding) => !known.includes(coding))) throw unknownCoding(accepted, undefined);
      return codings.length === 0 ? undefined : decoderFor(codings, { maxExpansion });
    },
  });
}

function namedIn(field: string, accepted: string): readonly ContentCoding[] {
  try {
    return codingsOf(field);
  } catch (error) {
    throw error instanceof PayloadError ? unknownCoding(accepted, error) : error;
  }
}

/** With `Accept-Encoding`, so that the client learns that it was the coding (RFC 9110 §15.5.16). */
function unknownCoding(accepted: string, cause: PayloadError | undefined): HttpError {
  return new HttpError(415, `Cannot read the body in its content coding: accepted are ${accepted}`, {
    code: "server/content-coding",
    headers: { "Accept-Encoding": accepted },
    cause,
  });
}
