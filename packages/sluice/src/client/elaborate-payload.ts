/** Bodies that only some requests have: forms with files, compressed ones, and those with trailers. Loaded on first use. */
import { encoderFor } from "../body/content-coding.js";
import {
  formPayload,
  jsonPayload,
  type Payload,
  type PayloadTools,
  type PayloadTrailers,
  toPayload,
} from "../body/payload.js";
import { compressedPayload } from "../body/sending/compressed-payload.js";
import { multipartPayload } from "../body/sending/multipart-payload.js";
import { TrailedPayload } from "../body/sending/trailed-payload.js";
import { UsageError } from "../errors.js";
import { assertFieldName, assertFieldValue, assertTrailerName } from "../http1/write-head.js";
import { fileSize } from "../platform/file-size.js";
import { randomId } from "../platform/random.js";
import { fieldLinesOf, paramPairs } from "./option-values.js";
import type { RequestOptions, TrailersInput } from "./options.js";
import type { Compression } from "./request-payload.js";

const FILES: PayloadTools = { fileSize };

/** The payload that the options ask for: one of the bodies, compressed, and then trailed. Throws `UsageError`. */
export function elaboratePayload(
  options: RequestOptions,
  compress: Compression | undefined,
  stringify: ((value: unknown) => string) | undefined,
): Payload {
  const trailers = options.trailers === undefined ? undefined : trailersOf(options.trailers);
  const plain = plainPayload(options, stringify);
  const coded =
    compress === undefined || isTooShort(plain, compress.threshold) ? undefined : encoderFor(compress.coding);
  const content = coded === undefined ? plain : compressedPayload(plain, coded);
  return trailers === undefined ? content : new TrailedPayload(content, trailers);
}

function plainPayload(
  { json, form, multipart, body }: RequestOptions,
  stringify: ((value: unknown) => string) | undefined,
): Payload {
  if (json !== undefined) return jsonPayload(json, stringify);
  if (form !== undefined) return formPayload(paramPairs(form));
  // One for all sends: the head of each says the same.
  const boundary = newBoundary();
  if (multipart !== undefined) return multipartPayload(multipart, boundary, FILES);
  return toPayload(body ?? "", { ...FILES, multipart: (form) => multipartPayload(form, boundary, FILES) });
}

/** 128 bits that nobody can guess, in characters that need no quotes (RFC 2046 §5.1.1). */
function newBoundary(): string {
  return `sluice-${randomId().replaceAll("-", "")}`;
}

function isTooShort(payload: Payload, thresholdBytes: number): boolean {
  const { length } = payload;
  return length !== undefined && (length === 0 || length < thresholdBytes);
}

function trailersOf(input: TrailersInput): PayloadTrailers {
  if (typeof input === "function") return { names: [], make: async () => fieldLinesOf(await input()) };
  const lazy = Object.values(input).some((value) => typeof value === "function");
  const fields: readonly unknown[] = lazy
    ? Object.entries(input).flat()
    : fieldLinesOf(input as Record<string, string>);
  const names: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = String(fields[at]);
    const value = fields[at + 1];
    assertFieldName(name);
    assertTrailerName(name);
    if (typeof value === "string") assertFieldValue(name, value);
    names.push(name);
  }
  return { names, make: () => evaluated(fields) };
}

async function evaluated(fields: readonly unknown[]): Promise<string[]> {
  const lines: string[] = [];
  for (const each of fields) {
    const value: unknown = typeof each === "function" ? await (each as () => unknown)() : each;
    if (typeof value !== "string") {
      throw new UsageError("headers/value-invalid", `Cannot send a trailer of type ${typeof value}: expected a string`);
    }
    lines.push(value);
  }
  return lines;
}
