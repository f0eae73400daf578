/**
 * The fields of the tus resumable upload protocol, 1.0.0 (https://tus.io/protocols/resumable-upload): what they may say, read
 * strictly, and written. A value that is not exactly what the protocol allows is refused, never guessed at.
 */

import { HttpError } from "../http-error.js";

/** The one version spoken (`Tus-Resumable`). */
export const TUS_VERSION = "1.0.0";
/** The media type of a PATCH. */
export const TUS_CONTENT_TYPE = "application/offset+octet-stream";
/** Digests that `Upload-Checksum` may name; sha1 has to be among them. */
export const TUS_CHECKSUMS: readonly string[] = ["sha1", "sha256", "sha512", "md5"];
/** What is done beyond the core protocol. */
export const TUS_EXTENSIONS: readonly string[] = [
  ...["creation", "creation-with-upload", "creation-defer-length"],
  ...["checksum", "expiration", "termination"],
];

/** A digest of the body of one request. */
export interface TusChecksum {
  readonly algorithm: string;
  readonly digest: Uint8Array;
}

const DIGITS = /^(?:0|[1-9][0-9]{0,15})$/;
const METADATA_KEY = /^[!-+\--~]+$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** The number of bytes that field `name` says; undefined without it. `HttpError` 400 `upload/bad-field` for anything but digits. */
export function readByteCount(name: string, value: string | null): number | undefined {
  if (value === null) return undefined;
  const count = DIGITS.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw badField(name, "expected a whole number of bytes");
  return count;
}

/**
 * `Upload-Metadata`: keys, each once, with values in base64, as text. `HttpError` 400 `upload/bad-field` for what it may not say, 413
 * `upload/metadata-too-large` beyond `maxBytes`.
 */
export function readMetadata(value: string | null, maxBytes: number): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  if (value === null || value === "") return pairs;
  if (value.length > maxBytes) {
    const message = `Cannot take Upload-Metadata: it has ${value.length} bytes, limit is ${maxBytes}`;
    throw new HttpError(413, message, { code: "upload/metadata-too-large" });
  }
  for (const pair of value.split(",")) {
    const [key = "", encoded = "", ...more] = pair.trim().split(" ");
    if (!METADATA_KEY.test(key) || more.length > 0)
      throw badField("Upload-Metadata", "expected keys and base64 values");
    if (pairs.has(key)) throw badField("Upload-Metadata", "a key stands there twice");
    pairs.set(key, readText(encoded));
  }
  return pairs;
}

/** `Upload-Checksum`; undefined without it. `HttpError` 400 `upload/bad-field`, or `upload/unknown-checksum` for another algorithm. */
export function readChecksum(value: string | null): TusChecksum | undefined {
  if (value === null) return undefined;
  const [algorithm = "", encoded = "", ...more] = value.split(" ");
  if (!TUS_CHECKSUMS.includes(algorithm)) {
    const message = `Cannot check the body: known checksum algorithms are ${TUS_CHECKSUMS.join(", ")}`;
    throw new HttpError(400, message, { code: "upload/unknown-checksum" });
  }
  if (encoded === "" || more.length > 0)
    throw badField("Upload-Checksum", "expected an algorithm and a digest in base64");
  return { algorithm, digest: readBytes("Upload-Checksum", encoded) };
}

/** `HttpError` 400 `upload/bad-field`. */
export function badField(name: string, why: string): HttpError {
  return new HttpError(400, `Cannot use ${name}: ${why}`, { code: "upload/bad-field" });
}

function readText(encoded: string): string {
  try {
    return UTF8.decode(readBytes("Upload-Metadata", encoded));
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw badField("Upload-Metadata", "a value is not text in UTF-8");
  }
}

function readBytes(name: string, encoded: string): Uint8Array {
  if (!BASE64.test(encoded)) throw badField(name, "a value is not base64");
  return Buffer.from(encoded, "base64");
}
