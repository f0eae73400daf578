/** The certificate and key that a server shows: from files, or made for this one run. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { fileProblem } from "../terminal/file-problem.js";
import { UsageProblem } from "../usage-problem.js";
import type { IdentitySource } from "./settings.js";

/** What TLS needs, and what people compare. */
export interface Identity {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;
/** RFC 7468 §11, and what OpenSSL wrote before. */
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/** Reads files, or makes a certificate for `addresses` and the names of this machine. Throws `UsageProblem` for files that will not do. */
export async function identityFrom(source: IdentitySource, addresses: readonly string[]): Promise<Identity> {
  if (source === "self-signed") {
    const { selfSigned } = await import("./self-signed.js");
    const { cert, key } = await selfSigned(["localhost", hostname(), "127.0.0.1", "::1", ...addresses]);
    return { cert, key, fingerprint: fingerprintOf(cert) };
  }
  const [cert, key] = await Promise.all([textOf(source.cert), textOf(source.key)]);
  if (!CERTIFICATE.test(cert)) throw unusable(source.cert, "there is no certificate in it (PEM)");
  checkPair(source, cert, key);
  return { cert, key, fingerprint: fingerprintOf(cert) };
}

/** What OpenSSL would say in its own words, and without a name. */
function checkPair(source: { readonly cert: string; readonly key: string }, cert: string, key: string): void {
  if (!PRIVATE_KEY.test(key)) {
    const hint = source.key === source.cert ? "; name the file that has it with --key" : "";
    throw unusable(source.key, `there is no private key in it (PEM)${hint}`);
  }
  if (ENCRYPTED.test(key))
    throw unusable(source.key, "its private key is encrypted, and nobody asks for the passphrase");
  const certificate = parsed(source.cert, "certificate", () => new X509Certificate(cert));
  const privateKey = parsed(source.key, "private key", () => createPrivateKey(key));
  if (certificate.checkPrivateKey(privateKey)) return;
  throw unusable(source.key, `its private key is not that of the certificate in ${source.cert}`);
}

function parsed<Result>(path: string, what: string, parse: () => Result): Result {
  try {
    return parse();
  } catch {
    throw unusable(path, `its ${what} is damaged`); // which byte, OpenSSL does not say either
  }
}

function unusable(path: string, why: string): UsageProblem {
  return new UsageProblem(`Cannot use ${path}: ${why}`);
}

function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw fileProblem("read", path, error);
  }
}
