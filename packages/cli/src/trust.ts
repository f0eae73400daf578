/** Whom to believe when a connection is encrypted. */
import { readFile } from "node:fs/promises";
import type { TlsClientOptions } from "sluice";
import { fileProblem } from "./terminal/file-problem.js";

/** Options of the command line about certificates. */
export interface TrustSettings {
  /** Takes any certificate. */
  readonly insecure: boolean;
  /** PEM file of authorities trusted instead of Node's own. */
  readonly caFile: string | undefined;
}

/** For the connector. Throws `UsageProblem` if the file cannot be read. */
export async function trustOptions({ insecure, caFile }: TrustSettings): Promise<TlsClientOptions> {
  const rejectUnauthorized = !insecure;
  if (caFile === undefined) return { rejectUnauthorized };
  try {
    return { rejectUnauthorized, ca: await readFile(caFile) };
  } catch (error) {
    throw fileProblem("read", caFile, error);
  }
}
