/** The parts of a multipart request body. Loaded by the first request that is asked for them. */

import type { Body } from "../../body/body.js";
import { boundaryOf } from "../../body/multipart/boundary.js";
import { type MultipartLimits, resolveMultipartLimits } from "../../body/multipart/multipart-limits.js";
import { MultipartReader } from "../../body/multipart/multipart-reader.js";
import { ContentTypeError } from "../../errors.js";
import { writeFileAtomically } from "../../platform/files.js";
import { asAnswer, unsupported } from "./body-faults.js";
import type { ReadMultipartOptions } from "./read-options.js";

/** What is known beside the body. */
export interface MultipartSurroundings {
  readonly contentType: string | undefined;
  /** Most bytes of the whole body. */
  readonly maxSize: number;
  /** Most bytes of one part that its readers of the whole take into memory. */
  readonly maxPartSize: number;
}

/**
 * The parts of the body that `open` gives, which is asked for when nothing stands against reading it: it may have the client told to
 * send it. Throws `HttpError`: 415 for another type, 400 for a boundary that is none; and so do the readers: 400 for what is
 * malformed, 413 beyond a limit. `UsageError` for limits that cannot be.
 */
export function partsOf(
  open: () => Body,
  options: ReadMultipartOptions,
  about: MultipartSurroundings,
): MultipartReader {
  const { contentType, maxSize, maxPartSize } = about;
  const limits = resolveMultipartLimits(limitsOf(options, maxSize));
  const translate = (error: unknown) => asAnswer(error, maxPartSize);
  const settings = { boundary: boundaryFrom(contentType), limits, maxBytes: maxPartSize, save: writeFileAtomically };
  const body = open();
  body.ownedBy({
    onSettled() {},
    onWaiting() {},
    contentType: () => contentType,
    charset: () => undefined,
    describe() {},
    translate,
  });
  return body.readWith((flow) => new MultipartReader(flow, settings));
}

function limitsOf(options: ReadMultipartOptions, maxSize: number): Partial<MultipartLimits> {
  const { maxSize: _given, ...limits } = options;
  return { ...limits, maxTotalBytes: maxSize };
}

function boundaryFrom(contentType: string | undefined): string {
  try {
    return boundaryOf(contentType);
  } catch (error) {
    if (error instanceof ContentTypeError) throw unsupported("Cannot read the body: expected a multipart type");
    throw asAnswer(error, 0);
  }
}
