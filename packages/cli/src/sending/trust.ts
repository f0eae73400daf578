/** Whom to believe when a connection is encrypted, and who we are. */
import { readFile } from "node:fs/promises";
import type { TlsClientOptions } from "sluice";
import { fileProblem } from "../terminal/file-problem.js";

/** Options of the command line about certificates. */
export interface TrustSettings {
  /** Takes any certificate. */
  readonly insecure: boolean;
  /** PEM file of authorities trusted instead of Node's own. */
  readonly caFile: string | undefined;
  /** PEM file of the client's certificate, its intermediates behind it. */
  readonly certFile: string | undefined;
  /** PEM file of its key. */
  readonly keyFile: string | undefined;
  /** SHA-256 of certificates or keys, of which one must be shown. */
  readonly pins: readonly string[] | undefined;
  /** Oldest version to speak. */
  readonly minVersion: "TLSv1.2" | "TLSv1.3" | undefined;
}

/** For the connector. Throws `UsageProblem` if a file cannot be read. */
export async function trustOptions(settings: TrustSettings): Promise<TlsClientOptions> {
  const { insecure, caFile, certFile, keyFile, pins, minVersion } = settings;
  return {
    rejectUnauthorized: !insecure,
    ca: await contentOf(caFile),
    cert: await contentOf(certFile),
    key: await contentOf(keyFile),
    fingerprint: pins,
    minVersion,
  };
}

async function contentOf(path: string | undefined): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw fileProblem("read", path, error);
  }
}
