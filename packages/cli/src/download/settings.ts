/** What `sluice download` was asked for, resolved: every field is present and in range. */
import type { DownloadOptions } from "sluice/transfer";
import type { InputPlace } from "../fetch/input-source.js";
import type { SendingSettings } from "../sending/settings.js";

/** See {@link "./define-download.js"} for what each option means to people. */
export interface DownloadSettings {
  readonly inputs: InputPlace;
  readonly sending: SendingSettings;
  /** A file, or a folder; undefined for the folder one is in. */
  readonly output: string | undefined;
  /** Whether the output is a folder whatever is there: several files go into it. */
  readonly intoFolder: boolean;
  /** Files at once. */
  readonly concurrency: number;
  /** Bytes a second of all files together; Infinity for no limit. */
  readonly limitRate: number;
  /** What the library is told, the same for all files. */
  readonly options: DownloadOptions;
  readonly quiet: boolean;
}
