/**
 * The body that a request's options ask for. What most requests send is made here; forms with files, compression and trailers are in
 * `elaborate-payload.ts`, which is loaded with the first request that needs it.
 */
import { type ContentCoding, requireCoding } from "../body/content-coding.js";
import { formPayload, jsonPayload, type Payload, toPayload } from "../body/payload.js";
import { isFormData } from "../body/sending/form-data.js";
import { UsageError } from "../errors.js";
import { refuseUnknown, requireFunction, requireNumber } from "../options.js";
import { fileSize } from "../platform/file-size.js";
import type { elaboratePayload } from "./elaborate-payload.js";
import { DEFAULT_CONTINUE_WAIT_MS } from "./expect-continue.js";
import { paramPairs } from "./option-values.js";
import type { CompressInput, CompressOptions, RequestOptions, SessionOptions } from "./options.js";

/** {@link CompressOptions} with nothing left open. */
export interface Compression {
  readonly coding: ContentCoding;
  readonly threshold: number;
}

const DEFAULT_THRESHOLD_BYTES = 1_024;
const COMPRESS_OPTIONS: ReadonlySet<string> = new Set<keyof CompressOptions>(["coding", "threshold"]);
const FILES = { fileSize };

/** Makes the payloads of one session's requests. */
export class RequestPayloads {
  /** The session's. */
  readonly #compression: Compression | undefined;
  #elaborate: typeof elaboratePayload | undefined;

  readonly #stringify: ((value: unknown) => string) | undefined;

  /** Throws `UsageError` for a way to compress that there is not. */
  constructor({ compress, stringifyJson }: Pick<SessionOptions, "compress" | "stringifyJson">) {
    this.#compression = compression(compress);
    this.#stringify = stringifyJson;
  }

  /** Whether {@link load} has to be waited for before {@link make}. */
  lacks(options: RequestOptions): boolean {
    return this.#elaborate === undefined && this.#isElaborate(options);
  }

  async load(): Promise<void> {
    const { elaboratePayload } = await import("./elaborate-payload.js");
    this.#elaborate = elaboratePayload;
  }

  /** Throws `UsageError` for what cannot be sent, and for more than one body. */
  make(options: RequestOptions): Payload | undefined {
    const { json, form, body, multipart, onProgress, onDownloadProgress } = options;
    if (onProgress !== undefined) requireFunction("onProgress", onProgress);
    if (onDownloadProgress !== undefined) requireFunction("onDownloadProgress", onDownloadProgress);
    const given = Number(json !== undefined) + Number(form !== undefined) + Number(body !== undefined);
    const count = given + Number(multipart !== undefined);
    if (count > 1) {
      throw new UsageError(
        "options/body",
        "Cannot send more than one body: give one of json, form, multipart and body",
      );
    }
    if (count === 0) return refuseBodyOptions(options);
    if (this.#elaborate !== undefined && this.#isElaborate(options)) {
      const { compress } = options;
      const how = compress === undefined ? this.#compression : compression(compress);
      return this.#elaborate(options, how, this.#stringify);
    }
    if (json !== undefined) return jsonPayload(json, this.#stringify);
    if (form !== undefined) return formPayload(paramPairs(form));
    return body === undefined ? undefined : toPayload(body, FILES);
  }

  #isElaborate({ multipart, trailers, body, compress }: RequestOptions): boolean {
    if (multipart !== undefined || trailers !== undefined) return true;
    if (compress === undefined ? this.#compression !== undefined : compress !== false) return true;
    // A form with files, or a function that may return one.
    return typeof body === "function" || (typeof body === "object" && body !== null && isFormData(body));
  }
}

function compression(given: CompressInput | undefined): Compression | undefined {
  if (given === undefined || given === false) return undefined;
  const options = given === true ? {} : typeof given === "object" && given !== null ? given : { coding: given };
  refuseUnknown("compress", options, COMPRESS_OPTIONS);
  const { coding = "gzip", threshold = DEFAULT_THRESHOLD_BYTES } = options;
  requireCoding(coding);
  requireNumber("compress.threshold", threshold, 0, Number.POSITIVE_INFINITY);
  return { coding, threshold };
}

/** Milliseconds to wait for 100 (Continue), 0 for not asking. Throws `UsageError` unless it is a boolean or more than 0. */
export function continueWait(given: boolean | number | undefined): number {
  if (given === undefined || given === false) return 0;
  if (given === true) return DEFAULT_CONTINUE_WAIT_MS;
  requireNumber("expectContinue", given, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
  return given;
}

/** What only makes sense with a body is not passed over in silence. */
function refuseBodyOptions({ onProgress, trailers }: RequestOptions): undefined {
  const name = onProgress !== undefined ? "onProgress" : trailers !== undefined ? "trailers" : undefined;
  if (name === undefined) return undefined;
  const advice = name === "onProgress" ? "; for the download there is onDownloadProgress" : "";
  throw new UsageError("options/conflict", `Cannot use ${name} without a body to send${advice}`);
}
