/** What `compression` can be told. */

import { availableCodings, type ContentCoding, requireCoding, requireLevel } from "../../../body/content-coding.js";
import { UsageError } from "../../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../../options.js";
import type { Reply } from "../../reply.js";
import type { ServerRequest } from "../../request/server-request.js";
import { CodingChoices } from "./coding-choice.js";
import { CompressibleTypes, DEFAULT_TYPES } from "./compressible-types.js";

/** What is compressed, and how. */
export interface CompressionOptions {
  /**
   * The codings that are used, best first: that decides among those which a client likes equally. `UsageError` `options/unknown-value`
   * for one that this Node.js has not got.
   *
   * @default br, zstd (where Node.js has it), gzip, deflate
   */
  readonly codings?: readonly ContentCoding[];
  /** Bodies of fewer bytes are sent as they are. @default 1_024 */
  readonly threshold?: number;
  /**
   * Media types that are compressed, in place of the default list: `text/css`, `text/*`, `*+json`. `text/event-stream` has to be named.
   * `UsageError` `options/unknown-value` for what is no type.
   *
   * @default text, JSON, XML, JavaScript, WebAssembly, uncompressed fonts and images
   */
  readonly types?: readonly string[];
  /** How hard each coding tries. `UsageError` `options/out-of-range`. @default 6 for gzip and deflate, 4 for br, 3 for zstd */
  readonly levels?: Partial<Readonly<Record<ContentCoding, number>>>;
  /** Answers that are sent as they are. (`Cache-Control: no-transform` on an answer does the same.) @default none */
  readonly skip?: (request: ServerRequest, reply: Reply) => boolean;
}

/** The same, checked and complete. */
export interface ResolvedCompression {
  readonly choices: CodingChoices;
  readonly threshold: number;
  readonly types: CompressibleTypes;
  readonly levels: Partial<Readonly<Record<ContentCoding, number>>>;
  readonly skip: CompressionOptions["skip"];
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof CompressionOptions>([
  "codings",
  "threshold",
  "types",
  "levels",
  "skip",
]);
const PREFERENCE: readonly ContentCoding[] = ["br", "zstd", "gzip", "deflate"];
const DEFAULT_THRESHOLD = 1024;
/** For br less than what is best for files: answers are made anew each time. */
const DEFAULT_LEVELS = { gzip: 6, deflate: 6, br: 4, zstd: 3 } as const;

/** Checks and completes. Throws `UsageError` `options/…`. */
export function resolveCompression(options: CompressionOptions): ResolvedCompression {
  requireObject("compression options", options);
  refuseUnknown("compression", options, OPTION_NAMES);
  const available = availableCodings();
  const { codings = PREFERENCE.filter((coding) => available.includes(coding)), threshold = DEFAULT_THRESHOLD } =
    options;
  const { types = DEFAULT_TYPES, levels = {}, skip } = options;
  for (const coding of codings) requireCoding(coding);
  requireNumber("threshold", threshold, 0, Number.POSITIVE_INFINITY);
  requireObject("levels", levels);
  refuseUnknown("levels", levels, new Set(PREFERENCE));
  for (const [coding, level] of Object.entries(levels)) requireLevel(coding as ContentCoding, level);
  if (skip !== undefined) requireFunction("skip", skip);
  for (const type of types) {
    if (CompressibleTypes.isPattern(type)) continue;
    throw new UsageError(
      "options/unknown-value",
      `Cannot use type ${JSON.stringify(type)}: expected text/css, text/* or *+json`,
    );
  }
  return {
    choices: new CodingChoices(codings),
    threshold,
    types: new CompressibleTypes(types),
    levels: { ...DEFAULT_LEVELS, ...levels },
    skip,
  };
}
