/**
 * Everything about an HTTP/1.1 message that its sender controls and that would cost us memory or time without bound, each with
 * an option, a default and the status a server answers when it is exceeded (RFC 9110 §15.5, RFC 6585 §5, RFC 9112 §3). The
 * length of the body itself is the business of whoever reads the body; the number of pipelined requests is the connection's.
 */

import { constants } from "node:buffer";
import { UsageError } from "../errors.js";

/**
 * Limits of the HTTP/1.1 readers. Bytes and counts; a message exactly at a limit is accepted. `Infinity` switches a limit off (what
 * then remains is the longest string that Node can make, about 512 MiB, for one line). Out of range: `UsageError`
 * `options/out-of-range`.
 */
export interface Http1Limits {
  /**
   * Bytes of a head: start line, field lines and the empty line, with their line ends (RFC 9112 §2.1). Exceeded:
   * `http1/head-too-large`, 431. At least 32.
   *
   * @default 32_768 (32 KiB) for requests, 65_536 (64 KiB) for responses
   */
  readonly maxHeadBytes: number;
  /**
   * Bytes of one field line or status line with its line end (RFC 9112 §5, §4); the request line has its own limits. Exceeded:
   * `http1/line-too-long`, 431. At least 32.
   *
   * @default 16_384 (16 KiB) for requests, 65_536 (64 KiB) for responses
   */
  readonly maxLineBytes: number;
  /**
   * Field lines in a head (RFC 9110 §5.2). Exceeded: `http1/too-many-fields`, 431. At least 1.
   *
   * @default 128 for requests, 256 for responses
   */
  readonly maxFieldCount: number;
  /**
   * Bytes of a method (RFC 9112 §3). Exceeded: `http1/method-too-long`, 501. At least 1.
   *
   * @default 32
   */
  readonly maxMethodBytes: number;
  /**
   * Bytes of a request-target; RFC 9112 §3 asks for request lines of 8,000 at the least. Exceeded: `http1/target-too-long`,
   * 414. At least 1.
   *
   * @default 16_384 (16 KiB)
   */
  readonly maxTargetBytes: number;
  /**
   * Empty lines passed over before a request line, for clients that end a body with a line too many: RFC 9112 §2.2 asks for
   * at least one. Exceeded: `http1/too-many-empty-lines`, 400. 0 refuses every one. Before a status line none is passed over.
   *
   * @default 4
   */
  readonly maxEmptyLines: number;
  /**
   * Bytes of chunk extensions in one body, from each ";" to the end of its line (RFC 9112 §7.1.1 asks for a limit on the
   * total). Exceeded: `http1/chunk-extensions-too-large`, 413.
   *
   * @default 16_384 (16 KiB)
   */
  readonly maxChunkExtensionBytes: number;
  /**
   * Bytes of a trailer section with its line ends (RFC 9112 §7.1.2). Exceeded: `http1/trailers-too-large`, 431. At least 2,
   * the empty line.
   *
   * @default 8_192 (8 KiB)
   */
  readonly maxTrailerBytes: number;
  /**
   * Field lines in a trailer section. Exceeded: `http1/too-many-trailers`, 431. 0 refuses every one.
   *
   * @default 64
   */
  readonly maxTrailerCount: number;
  /**
   * Interim responses before a final one (RFC 9110 §15.2). Exceeded: `http1/too-many-interim-responses`. Client only.
   *
   * @default 32
   */
  readonly maxInterimResponses: number;
}

/** What a server accepts unless told otherwise. */
export const HTTP1_LIMITS: Readonly<Http1Limits> = Object.freeze({
  maxHeadBytes: 32_768,
  maxLineBytes: 16_384,
  maxFieldCount: 128,
  maxMethodBytes: 32,
  maxTargetBytes: 16_384,
  maxEmptyLines: 4,
  maxChunkExtensionBytes: 16_384,
  maxTrailerBytes: 8_192,
  maxTrailerCount: 64,
  maxInterimResponses: 32,
});

/** What a client accepts unless told otherwise: servers write larger heads than clients do (policies, cookies). */
export const HTTP1_RESPONSE_LIMITS: Readonly<Http1Limits> = Object.freeze({
  ...HTTP1_LIMITS,
  maxHeadBytes: 65_536,
  maxLineBytes: 65_536,
  maxFieldCount: 256,
});

/** The least that makes sense for each: below it, no message at all could be read. */
const LEAST: Readonly<Http1Limits> = {
  maxHeadBytes: 32,
  maxLineBytes: 32,
  maxFieldCount: 1,
  maxMethodBytes: 1,
  maxTargetBytes: 1,
  maxEmptyLines: 0,
  maxChunkExtensionBytes: 0,
  maxTrailerBytes: 2,
  maxTrailerCount: 0,
  maxInterimResponses: 0,
};

/** The longest line there can be, whatever the options say: a line becomes one string. */
export const LONGEST_LINE_BYTES: number = constants.MAX_STRING_LENGTH;

/**
 * Fills in what `given` leaves out from `defaults` and checks the ranges: integers from the least that makes sense, or `Infinity`.
 * Throws `UsageError`: `options/out-of-range`, `options/unknown` for a name that is no limit.
 */
export function resolveHttp1Limits(
  given: { readonly [name in keyof Http1Limits]?: Http1Limits[name] | undefined } = {},
  defaults: Readonly<Http1Limits> = HTTP1_LIMITS,
): Readonly<Http1Limits> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(LEAST, name));
  if (unknown !== undefined) {
    throw new UsageError(
      "options/unknown",
      `Cannot use limit "${unknown}": known are ${Object.keys(LEAST).join(", ")}`,
    );
  }
  const limits = { ...defaults };
  for (const name of Object.keys(LEAST) as (keyof Http1Limits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    if (!(Number.isInteger(value) || value === Number.POSITIVE_INFINITY) || value < LEAST[name]) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot use ${name}: expected an integer of at least ${LEAST[name]} or Infinity, received ${String(value)}`,
      );
    }
    limits[name] = value;
  }
  return Object.freeze(limits);
}
