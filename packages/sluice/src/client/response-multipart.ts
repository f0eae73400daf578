/** The parts and the form of one answer. Loaded by the first response that is asked for them. */

import { boundaryOf } from "../body/multipart/boundary.js";
import { collectFormData } from "../body/multipart/form-data.js";
import { type MultipartLimits, resolveMultipartLimits } from "../body/multipart/multipart-limits.js";
import type { MultipartPart, SavePart } from "../body/multipart/multipart-part.js";
import { MultipartReader } from "../body/multipart/multipart-reader.js";
import { ContentTypeError, SluiceError } from "../errors.js";
import { parseMediaType } from "../http/media-type.js";
import type { ClientResponse } from "./response.js";
import { saveBody } from "./save-body.js";

/** The parts of `response`. Throws `ContentTypeError` for another type, `PayloadError` for a boundary that is none. */
export async function* partsOf(
  response: ClientResponse,
  options: Partial<MultipartLimits>,
): AsyncGenerator<MultipartPart, void, undefined> {
  const limits = resolveMultipartLimits(options);
  const boundary = checkedBoundary(response);
  const { maxBytes } = response.body;
  const save: SavePart = (path, body) => saveBody(path, body).catch((error) => Promise.reject(toldOf(response, error)));
  const settings = { boundary, limits, maxBytes, save };
  yield* response.body.readWith((flow) => new MultipartReader(flow, settings));
}

/**
 * `response` as a form: multipart/form-data or urlencoded (Fetch Standard, §5.2 `formData()`); at most as large as what the other
 * readers of the whole take in. Throws `ContentTypeError` for another type.
 */
export async function formDataOf(response: ClientResponse, options: Partial<MultipartLimits>): Promise<FormData> {
  const { contentType } = response;
  const essence = contentType === undefined ? undefined : parseMediaType(contentType)?.essence;
  if (essence === "application/x-www-form-urlencoded") {
    const form = new FormData();
    for (const [name, value] of new URLSearchParams(await response.body.text({ encoding: "utf-8" })))
      form.append(name, value);
    return form;
  }
  if (essence !== "multipart/form-data") {
    const message = `Expected a form, but the answer (status ${response.status}) is ${contentType ?? "of no type"}`;
    throw refusedBy(response, new ContentTypeError("response.content-type", message, { phase: "response" }));
  }
  const maxTotalBytes = Math.min(options.maxTotalBytes ?? Number.POSITIVE_INFINITY, response.body.maxBytes);
  return await collectFormData(partsOf(response, { ...options, maxTotalBytes }));
}

function checkedBoundary(response: ClientResponse): string {
  try {
    return boundaryOf(response.contentType);
  } catch (error) {
    throw error instanceof SluiceError ? refusedBy(response, error) : error;
  }
}

function toldOf(response: ClientResponse, error: unknown): unknown {
  return error instanceof SluiceError ? response.describe(error) : error;
}

/** Nobody will read the body of `response`; `error` is made its own. */
function refusedBy<T extends SluiceError>(response: ClientResponse, error: T): T {
  response.discard();
  return response.describe(error);
}
