/** The certificate and key that a server shows: from files, or made for this one run. */
import { X509Certificate } from "node:crypto";
import { hostname } from "node:os";
import { readKeyPair } from "../sending/key-pair-files.js";
import type { IdentitySource } from "./settings.js";

/** What TLS needs, and what people compare. */
export interface Identity {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint: string;
}

/** Reads files, or makes a certificate for `addresses` and the names of this machine. Throws `UsageProblem` for files that will not do. */
export async function identityFrom(source: IdentitySource, addresses: readonly string[]): Promise<Identity> {
  if (source === "self-signed") {
    const { selfSigned } = await import("./self-signed.js");
    const { cert, key } = await selfSigned(["localhost", hostname(), "127.0.0.1", "::1", ...addresses]);
    return { cert, key, fingerprint: fingerprintOf(cert) };
  }
  const { cert, key } = await readKeyPair(source);
  return { cert, key, fingerprint: fingerprintOf(cert) };
}

function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256;
}
