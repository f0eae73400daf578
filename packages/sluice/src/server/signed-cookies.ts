/**
 * Cookies whose values the client can read but not change (a MAC, HMAC-SHA-256, over name and value): `value.signature`. The name is part
 * of what is signed, so that one cookie's value cannot be passed off as another's. Nothing says when it was signed: a value that must
 * expire carries its own date, because `Max-Age` is only a request to the client.
 */

import { UsageError } from "../errors.js";
import { isSameSecret } from "../platform/hash.js";
import { hmacSha256 } from "../platform/hmac.js";

/** 256 bits, as long as what they key: shorter ones can be tried out by anyone who has a signed cookie. */
const LEAST_KEY_BYTES = 32;

/** Signs and verifies with one key, and goes on to accept those that were used before. */
export class SignedCookies {
  readonly #keys: readonly [string | Uint8Array, ...(string | Uint8Array)[]];

  /**
   * `keys`: the one to sign with, then older ones that are still accepted, each of 32 bytes or more; text counts in UTF-8.
   * Throws `UsageError` `cookies/key-invalid`.
   */
  constructor(keys: string | Uint8Array | readonly (string | Uint8Array)[]) {
    const [first, ...older] = typeof keys === "string" || keys instanceof Uint8Array ? [keys] : keys;
    if (first === undefined) throw keyInvalid("there is none");
    for (const key of [first, ...older]) {
      const bytes = typeof key === "string" ? Buffer.byteLength(key) : key instanceof Uint8Array ? key.byteLength : 0;
      if (bytes < LEAST_KEY_BYTES) throw keyInvalid(`one has ${bytes} bytes`);
    }
    this.#keys = [first, ...older];
  }

  /** The value to set: `reply.setCookie(name, signed.sign(name, value))`. */
  sign(name: string, value: string): string {
    return `${value}.${signature(this.#keys[0], name, value)}`;
  }

  /** The value that was signed, or undefined if it was not signed by any of the keys under this name. */
  verify(name: string, received: string | undefined): string | undefined {
    const dot = received === undefined ? -1 : received.lastIndexOf(".");
    if (received === undefined || dot === -1) return undefined;
    const value = received.slice(0, dot);
    const given = received.slice(dot + 1);
    return this.#keys.some((key) => isSameSecret(given, signature(key, name, value))) ? value : undefined;
  }

  /** Whether a value that verifies was signed by an older key: the time to set it anew. */
  isStale(name: string, received: string): boolean {
    const value = this.verify(name, received);
    return value !== undefined && received !== this.sign(name, value);
  }
}

/** A name is a token, so the first "=" ends it: no two pairs are one text. */
function signature(key: string | Uint8Array, name: string, value: string): string {
  return hmacSha256(key, `${name}=${value}`);
}

function keyInvalid(why: string): UsageError {
  const message = `Cannot sign cookies: expected keys of ${LEAST_KEY_BYTES} bytes or more, ${why}`;
  return new UsageError("cookies/key-invalid", message);
}
