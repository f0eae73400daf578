/** What `sluice fetch` was asked for, resolved: every field is present and in range. */
import type { Rate } from "../parse/rate.js";
import type { BodySource } from "../sending/request-body.js";
import type { SendingSettings } from "../sending/settings.js";
import type { InputPlace } from "./input-source.js";
import type { ResultPlace } from "./results/result-file.js";

/** How outcomes are written to standard output. */
export type ReportFormat = "table" | "jsonl";

/** Where answers are saved. */
export interface SavePlace {
  readonly directory: string;
  /** Replaces files of earlier runs. */
  readonly overwrite: boolean;
}

/** When requests are begun. */
export interface PaceSettings {
  readonly rate: Rate | undefined;
  /** Whether each host has a rate of its own. */
  readonly perHost: boolean;
  /** Finds the rate by what is answered. */
  readonly adaptive: boolean;
  readonly delay: readonly [leastMs: number, mostMs: number];
}

/** See {@link "./define-fetch.js"} for what each option means to people. */
export interface FetchSettings {
  readonly inputs: InputPlace;
  readonly sending: SendingSettings;
  readonly method: string;
  readonly userAgent: string | undefined;
  readonly body: BodySource | undefined;
  readonly concurrency: number;
  /** Infinity for no limit of its own. */
  readonly perHost: number;
  readonly pace: PaceSettings;
  /** Of one try, in milliseconds. */
  readonly timeout: number;
  /** Most bytes of a body, decoded; Infinity for no limit. */
  readonly maxSize: number;
  /** Undefined: a table on a terminal, JSON lines elsewhere. */
  readonly format: ReportFormat | undefined;
  readonly save: SavePlace | undefined;
  /** Puts bodies into the JSON lines. */
  readonly includeBody: boolean;
  /** The file that outcomes go to as JSON lines, in place of standard output. */
  readonly results: ResultPlace | undefined;
  readonly failFast: boolean;
  /** File for the inputs that were not worked off. */
  readonly remainingFile: string | undefined;
  readonly quiet: boolean;
}
