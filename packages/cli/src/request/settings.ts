/** What one request was asked to be, resolved. */
import type { BodySource } from "../sending/request-body.js";
import type { SendingSettings } from "../sending/settings.js";

/** See {@link "./define-request.js"} for what each option means to people. */
export interface SingleRequestSettings {
  readonly method: string;
  readonly url: string;
  readonly sending: SendingSettings;
  /** Added to the URL's own query. */
  readonly params: readonly (readonly [name: string, value: string])[];
  readonly body: BodySource | undefined;
  /** Of everything, in milliseconds; Infinity for no limit. */
  readonly timeout: number;
  readonly unixSocket: string | undefined;
  /** Request line and times, on standard error. */
  readonly verbose: boolean;
  /** Writes the head also where it is not a terminal that reads. */
  readonly includeHead: boolean;
  readonly outputFile: string | undefined;
  /** Whether a status of 400 or more is a failure. */
  readonly failOnError: boolean;
}
