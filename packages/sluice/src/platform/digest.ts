/** Digests of text: names for things whose content must not be seen. */
import { createHash } from "node:crypto";

/** SHA-256 of the text's UTF-8 in base64url: 43 characters, fit for a file name. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("base64url");
}

/** 144 bits of the SHA-256 of bytes, or of a text's UTF-8, in base64url: enough to tell any two contents apart. */
export function contentDigest(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("base64url").slice(0, 24);
}

/** SHA-1 of the text's UTF-8 in base64: for protocols that ask for it (RFC 6455 §4.2.2), and for nothing that has to be secure. */
export function sha1(text: string): string {
  return createHash("sha1").update(text, "utf8").digest("base64");
}
