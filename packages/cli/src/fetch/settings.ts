/** What `sluice fetch` was asked for, resolved: every field is present and in range. */
import type { Rate } from "../parse/rate.js";
import type { BodySource } from "../request-body.js";
import type { InputPlace } from "./input-source.js";

/** How outcomes are written to standard output. */
export type ReportFormat = "table" | "jsonl";

/** Where answers are saved. */
export interface SavePlace {
  readonly directory: string;
  /** Replaces files of earlier runs. */
  readonly overwrite: boolean;
}

/** See {@link "./define-fetch.js"} for what each option means to people. */
export interface FetchSettings {
  readonly inputs: InputPlace;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly userAgent: string | undefined;
  readonly body: BodySource | undefined;
  readonly concurrency: number;
  /** Infinity for no limit of its own. */
  readonly perHost: number;
  readonly rate: Rate | undefined;
  readonly delay: readonly [leastMs: number, mostMs: number];
  readonly retries: number;
  /** Of one try, in milliseconds. */
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly followRedirects: boolean;
  readonly insecure: boolean;
  readonly caFile: string | undefined;
  /** Most bytes of a body, decoded; Infinity for no limit. */
  readonly maxSize: number;
  readonly showQuery: readonly string[];
  /** Undefined: a table on a terminal, JSON lines elsewhere. */
  readonly format: ReportFormat | undefined;
  readonly save: SavePlace | undefined;
  /** Puts bodies into the JSON lines. */
  readonly includeBody: boolean;
  readonly failFast: boolean;
  /** File for the inputs that were not worked off. */
  readonly remainingFile: string | undefined;
  readonly quiet: boolean;
}
