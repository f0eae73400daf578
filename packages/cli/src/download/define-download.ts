/** `sluice download` as it is written on the command line, and what its options mean to people. */
import type { Command } from "commander";
import type { DownloadOptions } from "sluice/transfer";
import { value, values } from "../option-parsers.js";
import { parseDuration } from "../parse/duration.js";
import { parseCookie, parseHeader, parseNames } from "../parse/pairs.js";
import { parseSize } from "../parse/size.js";
import { parseWholeNumber } from "../parse/whole-number.js";
import {
  addAuthOptions,
  addConnectionOptions,
  addTraceOptions,
  type SendingFlags,
  sendingSettings,
  timeOption,
} from "../sending/define-sending.js";
import type { Io } from "../terminal/io.js";
import { UsageProblem } from "../usage-problem.js";
import { parseChecksum, parseSegments } from "./parse-download.js";
import type { DownloadSettings } from "./settings.js";

const MOST_AT_ONCE = 64;
const MOST_REDIRECTS = 1_000;

/** What the parser has made of the command line. */
export interface DownloadFlags extends Omit<SendingFlags, "retries" | "follow"> {
  readonly input?: string;
  readonly output?: string;
  readonly concurrency: number;
  readonly segments?: number | "auto";
  readonly limitRate?: number;
  readonly checksum?: readonly (readonly [algorithm: string, digest: string])[];
  readonly ifChanged?: boolean;
  readonly overwrite?: boolean;
  readonly fresh?: boolean;
  readonly force?: boolean;
  readonly trustSize?: boolean;
  readonly allowUnknownEnd?: boolean;
  readonly tries: number;
  readonly maxRetryAfter?: number;
  readonly stallTimeout: number;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Examples:
  sluice download https://example.com/image.iso
  sluice download https://example.com/image.iso --checksum sha256=9f86d08188...
  sluice download https://example.com/image.iso -o disk.iso --segments 8
  sluice download -i urls.txt -o mirror/ --if-changed
  sluice download -i urls.txt -c 8 --limit-rate 5MB
  sluice download https://example.com/image.iso > progress.jsonl

It goes on with what an earlier run has left (NAME.part and NAME.part.json), where the server shows
that the file is still the same; else it begins anew and says why. A file that has its name is whole.
In a pipe, standard output gets JSON lines: their type is progress (once a second), resumed,
restarted, retry, repeated, done (status complete or unchanged, file, size) or failed (error with
code and message).
Ctrl-C stops at once, and the same command goes on; a second one does not wait for the disk.
Exit code: 0 all there, 1 some failed, 2 wrong usage, 130 stopped by Ctrl-C.`;

/** Adds the command; `done` is given its exit code. */
export function defineDownload(program: Command, io: Io, done: (exitCode: number) => void): void {
  const command = program
    .command("download")
    .summary("files, in segments, going on where they stopped")
    .description("Downloads files, and goes on with what has been interrupted; never mixes two versions of one.")
    .argument("[url...]", "URLs to download, before those of --input");
  addFileOptions(command);
  addTraceOptions(command);
  addPaceOptions(command);
  addTrustOptions(command);
  addRequestOptions(command);
  addAuthOptions(command);
  addConnectionOptions(command);
  command.addHelpText("after", EXAMPLES).action(async (urls: readonly string[], flags: DownloadFlags) => {
    const settings = downloadSettings(urls, flags);
    const { runDownload } = await import("./download-command.js");
    done(await runDownload(settings, io));
  });
}

function addFileOptions(command: Command): void {
  command
    .option("-i, --input <file>", "read URLs from a file, one a line; - is standard input")
    .option("-o, --output <path>", "the file; or the folder, where it is one, ends in / or gets several")
    .option(
      "--checksum <algorithm=digest>",
      "what the file must have: sha256=…, may be repeated",
      values(parseChecksum),
    )
    .option("--if-changed", "only if it is not there, or has changed since")
    .option("--overwrite", "replace also files that the server chose the name of")
    .option("-q, --quiet", "no progress and no summary");
}

function addPaceOptions(command: Command): void {
  command
    .optionsGroup("Pace:")
    .option(
      "--segments <n>",
      "connections for a file; auto adds them while that pays (default: auto)",
      value(parseSegments),
    )
    .option(
      "-c, --concurrency <n>",
      "files at once",
      value((text) => parseWholeNumber(text, 1, MOST_AT_ONCE)),
      4,
    )
    .option("--limit-rate <size>", "most bytes a second, of all together: 500kB, 5MB", value(parseSize))
    .option(
      "--tries <n>",
      "tries without a byte between them",
      value((text) => parseWholeNumber(text, 1)),
      8,
    )
    .option(
      "--max-retry-after <time>",
      "longest Retry-After obeyed (default: 5m)",
      value((text) => parseDuration(text, "s")),
    )
    .addOption(timeOption("--stall-timeout <time>", "without a byte until it is asked for anew", 30_000, "30s"));
}

function addTrustOptions(command: Command): void {
  command
    .optionsGroup("Going on:")
    .option("--fresh", "forget what an earlier run has left")
    .option("--force", "take a file over from another process")
    .option("--trust-size", "go on where only the size shows that it is the same file")
    .option("--allow-unknown-end", "take an answer without a length that ends with its connection");
}

function addRequestOptions(command: Command): void {
  command
    .optionsGroup("Requests:")
    .option("-H, --header <name:value>", "header field, may be repeated", values(parseHeader))
    .option("--cookie <name=value>", "cookie, may be repeated; sent as it is", values(parseCookie))
    .option("--cookie-file <file>", "keep cookies in this file: JSON, or cookies.txt")
    .option(
      "--max-redirects <n>",
      "redirects followed (default: 10)",
      value((text) => parseWholeNumber(text, 0, MOST_REDIRECTS)),
    )
    .option("--show-query <names>", "query parameters shown in errors; others appear as …", value(parseNames));
}

/** Completes and checks what options mean together. Throws `UsageProblem`. */
export function downloadSettings(urls: readonly string[], flags: DownloadFlags): DownloadSettings {
  const { input, output, checksum, concurrency, limitRate = Number.POSITIVE_INFINITY, quiet = false } = flags;
  if (urls.length === 0 && input === undefined) {
    throw new UsageProblem("Nothing to download: name URLs, or a file of them with --input (- for standard input)");
  }
  if (output === "-") {
    throw new UsageProblem(
      "Cannot download to standard output, where nothing can be gone on with: sluice get does that",
    );
  }
  const several = urls.length > 1 || input !== undefined;
  if (several && checksum !== undefined) {
    throw new UsageProblem("Cannot use --checksum with several files: it is the digest of one");
  }
  // No retries of the session's: the download counts and spaces its own.
  const { maxRetryAfter, ...shared } = flags;
  return {
    inputs: { urls, file: input },
    sending: sendingSettings({ ...shared, retries: 0, follow: true }),
    output,
    intoFolder: output !== undefined && (several || output.endsWith("/")),
    concurrency,
    limitRate,
    options: libraryOptions(flags, maxRetryAfter),
    quiet,
  };
}

function libraryOptions(flags: DownloadFlags, maxRetryAfter: number | undefined): DownloadOptions {
  const { segments = "auto", tries, stallTimeout, header = [], cookie = [] } = flags;
  const cookies = cookie.map(([name, content]) => `${name}=${content}`).join("; ");
  const headers = cookies === "" ? header : [...header, ["cookie", cookies] as const];
  return {
    segments,
    attempts: tries,
    stallTimeout,
    ...(maxRetryAfter === undefined ? {} : { maxRetryAfter }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(flags.checksum === undefined ? {} : { checksum: Object.fromEntries(flags.checksum) }),
    ...(flags.overwrite === undefined ? {} : { overwrite: flags.overwrite }),
    ifChanged: flags.ifChanged ?? false,
    fresh: flags.fresh ?? false,
    force: flags.force ?? false,
    trustSize: flags.trustSize ?? false,
    allowUnknownEnd: flags.allowUnknownEnd ?? false,
  };
}
