import type { UploadOptions } from "sluice/transfer";
import type { SendingSettings } from "../sending/settings.js";

/** What the command line decides for `sluice upload`. */
export interface UploadSettings {
  /** A path, or "-" for standard input. */
  readonly file: string;
  readonly url: string;
  /** As the library takes them. */
  readonly options: UploadOptions;
  readonly sending: SendingSettings;
  /** Lines of JSON even on a terminal. */
  readonly json: boolean;
  /** Neither progress nor summary. */
  readonly quiet: boolean;
}
