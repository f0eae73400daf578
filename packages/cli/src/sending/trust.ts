/** Whom to believe when a connection is encrypted, and who we are. */
import type { TlsClientOptions } from "sluice";
import { readCertificates, readKeyPair } from "./key-pair-files.js";

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

/** For the connector. Throws `UsageProblem` for files that will not do. */
export async function trustOptions(settings: TrustSettings): Promise<TlsClientOptions> {
  const { insecure, caFile, certFile, keyFile, pins, minVersion } = settings;
  return {
    rejectUnauthorized: !insecure,
    ca: caFile === undefined ? undefined : await readCertificates(caFile),
    ...(certFile === undefined ? {} : await readKeyPair({ cert: certFile, key: keyFile ?? certFile })),
    fingerprint: pins,
    minVersion,
  };
}
