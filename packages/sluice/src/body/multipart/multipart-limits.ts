/** What a multipart body may make its reader hold, and what holds if nobody says otherwise. */

import { UsageError } from "../../errors.js";
import { refuseUnknown } from "../../options.js";

/** Limits on one multipart body. `Infinity` switches one off. */
export interface MultipartLimits {
  /** Most parts; one more is `PayloadError` `multipart/too-many-parts`. 0 or more. @default 1_000 */
  readonly maxParts: number;
  /**
   * Most bytes of one part's header section, line ends and its empty line included; more are `multipart/header-too-large`. 2 or
   * more. @default 16_384
   */
  readonly maxPartHeaderBytes: number;
  /** Most header lines of one part; one more is `multipart/too-many-headers`. 0 or more. @default 64 */
  readonly maxPartHeaders: number;
  /** Most form fields: parts with a name and no filename; one more is `multipart/too-many-fields`. 0 or more. @default 1_000 */
  readonly maxFields: number;
  /** Most bytes of one form field; more are `multipart/field-too-large`. 0 or more. @default 1_048_576 */
  readonly maxFieldBytes: number;
  /** Most bytes of any other part, such as a file; more are `multipart/file-too-large`. 0 or more. @default Infinity */
  readonly maxFileBytes: number;
  /**
   * Most bytes in all, decoded, with headers and boundaries and what stands around the parts; more are `multipart/too-large`. 0 or
   * more. @default Infinity
   */
  readonly maxTotalBytes: number;
}

/** The limits of {@link MultipartLimits} where nobody set one. */
export const MULTIPART_DEFAULTS: MultipartLimits = Object.freeze({
  maxParts: 1_000,
  maxPartHeaderBytes: 16 * 1024,
  maxPartHeaders: 64,
  maxFields: 1_000,
  maxFieldBytes: 1024 * 1024,
  maxFileBytes: Number.POSITIVE_INFINITY,
  maxTotalBytes: Number.POSITIVE_INFINITY,
});

const LEAST: MultipartLimits = {
  maxParts: 0,
  maxPartHeaderBytes: 2,
  maxPartHeaders: 0,
  maxFields: 0,
  maxFieldBytes: 0,
  maxFileBytes: 0,
  maxTotalBytes: 0,
};
const KNOWN: ReadonlySet<string> = new Set(Object.keys(MULTIPART_DEFAULTS));

/** `given` over the defaults. Throws `UsageError` for limits that there are not, or that cannot be. */
export function resolveMultipartLimits(given: Partial<MultipartLimits> = {}): MultipartLimits {
  refuseUnknown("multipart", given, KNOWN);
  const limits: { -readonly [name in keyof MultipartLimits]: number } = { ...MULTIPART_DEFAULTS };
  for (const name of Object.keys(MULTIPART_DEFAULTS) as (keyof MultipartLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    if (typeof value !== "number" || !(value >= LEAST[name])) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot use ${name}: expected a number from ${LEAST[name]}, received ${String(value)}`,
      );
    }
    limits[name] = value;
  }
  return limits;
}
