/** Keyed digests (RFC 2104), for the layers above that are handed them. */

import { createHmac } from "node:crypto";

/** HMAC-SHA-256 of `text`, in UTF-8, under `key`: 43 characters of base64url. */
export function hmacSha256(key: string | Uint8Array, text: string): string {
  return createHmac("sha256", key).update(text, "utf8").digest("base64url");
}
