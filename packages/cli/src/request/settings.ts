/** What one request was asked to be, resolved. */
import type { BodySource } from "../request-body.js";

/** See {@link "./define-request.js"} for what each option means to people. */
export interface SingleRequestSettings {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: BodySource | undefined;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** Of everything, in milliseconds; Infinity for no limit. */
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly followRedirects: boolean;
  readonly unixSocket: string | undefined;
  readonly insecure: boolean;
  readonly caFile: string | undefined;
  readonly showQuery: readonly string[];
  /** Request line and times, on standard error. */
  readonly verbose: boolean;
  /** Writes the head also where it is not a terminal that reads. */
  readonly includeHead: boolean;
  readonly outputFile: string | undefined;
  /** Whether a status of 400 or more is a failure. */
  readonly failOnError: boolean;
}
