/**
 * Pinning: which certificates or keys a server may show, whoever signed them. A pin is checked in addition to the chain of trust,
 * unless that is switched off; then it decides alone.
 */

import type { X509Certificate } from "node:crypto";
import { UsageError } from "../errors.js";

const SHA256_BYTES = 32;
const HEX_PAIRS = /^[0-9a-f]{2}(?:(?::?)[0-9a-f]{2}){31}$/i;
/** As curl and HPKP (RFC 7469 §2.4) have it, with one slash or two. */
const KEY_PIN = /^sha256\/{1,2}([A-Za-z0-9+/]{43}=)$/;

/** SHA-256 of a certificate or of its public key, in lower-case hexadecimal. */
export interface Pin {
  readonly of: "certificate" | "key";
  readonly digest: string;
}

/** Pins read before, by what they were given as. */
const read = new WeakMap<readonly string[], readonly Pin[]>();

/** Throws {@link UsageError} `options/bad-fingerprint` for what is no SHA-256 digest. */
export function pinsOf(fingerprint: string | readonly string[]): readonly Pin[] {
  if (!Array.isArray(fingerprint)) return [pinOf(fingerprint)];
  let pins = read.get(fingerprint);
  if (pins === undefined) {
    if (fingerprint.length === 0) throw badFingerprint("an empty list", "");
    pins = fingerprint.map(pinOf);
    read.set(fingerprint, pins);
  }
  return pins;
}

/** Undefined if the certificate (DER) is one of the pinned ones; otherwise what it is, for a message. */
export function pinMismatch(der: Buffer | undefined, pins: readonly Pin[]): string | undefined {
  if (der === undefined) return "there is no certificate";
  const certificate = new (process.getBuiltinModule("node:crypto").X509Certificate)(der);
  const shown = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  const key = keyDigest(certificate);
  const matches = pins.some(({ of, digest }) => digest === (of === "key" ? key.toString("hex") : shown));
  return matches
    ? undefined
    : `its SHA-256 is ${certificate.fingerprint256}, that of its key sha256//${key.toString("base64")}`;
}

/** RFC 7469 §2.4: over the SubjectPublicKeyInfo, which stays the same when a certificate is renewed with its key. */
function keyDigest(certificate: X509Certificate): Buffer {
  const spki = certificate.publicKey.export({ type: "spki", format: "der" });
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(spki).digest();
}

function pinOf(text: unknown): Pin {
  if (typeof text !== "string") throw badFingerprint(typeof text, "");
  if (HEX_PAIRS.test(text)) return { of: "certificate", digest: text.replaceAll(":", "").toLowerCase() };
  const encoded = KEY_PIN.exec(text)?.[1];
  const digest = encoded === undefined ? undefined : Buffer.from(encoded, "base64");
  if (digest?.length === SHA256_BYTES) return { of: "key", digest: digest.toString("hex") };
  const old = /^(?:[0-9a-f]{2}:?){16}$|^(?:[0-9a-f]{2}:?){20}$/i.test(text);
  throw badFingerprint(`"${text}"`, old ? "; MD5 and SHA-1 can be forged" : "");
}

function badFingerprint(received: string, hint: string): UsageError {
  return new UsageError(
    "options/bad-fingerprint",
    `Cannot use tls.fingerprint: expected SHA-256 of a certificate in hexadecimal, or of its key as sha256//base64, received ${received}${hint}`,
  );
}
