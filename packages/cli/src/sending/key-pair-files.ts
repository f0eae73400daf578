/** Certificates and keys from files. What OpenSSL would say of wrong ones in its own words, and without a name, is said here. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileProblem } from "../terminal/file-problem.js";
import { UsageProblem } from "../usage-problem.js";

/** Paths; both may be the same. */
export interface KeyPairFiles {
  readonly cert: string;
  readonly key: string;
}

const CERTIFICATE = /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END \1CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;
/** RFC 7468 §11, and what OpenSSL wrote before. */
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/** The PEM texts of a certificate, with those behind it, and of its key. Throws `UsageProblem` for files that will not do. */
export async function readKeyPair(files: KeyPairFiles): Promise<{ readonly cert: string; readonly key: string }> {
  const [cert, key] = await Promise.all([readCertificates(files.cert), textOf(files.key)]);
  if (!PRIVATE_KEY.test(key)) {
    const hint = files.key === files.cert ? "; name the file that has it with --key" : "";
    throw unusable(files.key, `there is no private key in it (PEM)${hint}`);
  }
  if (ENCRYPTED.test(key))
    throw unusable(files.key, "its private key is encrypted, and nobody asks for the passphrase");
  const certificate = parsed(files.cert, "certificate", () => new X509Certificate(cert));
  const privateKey = parsed(files.key, "private key", () => createPrivateKey(key));
  if (certificate.checkPrivateKey(privateKey)) return { cert, key };
  throw unusable(files.key, `its private key is not that of the certificate in ${files.cert}`);
}

/** The PEM text of one certificate or several. Throws `UsageProblem` if there is none. */
export async function readCertificates(path: string): Promise<string> {
  const text = await textOf(path);
  if (CERTIFICATE.test(text)) return text;
  throw unusable(path, "there is no certificate in it (PEM)");
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

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw fileProblem("read", path, error);
  }
}
