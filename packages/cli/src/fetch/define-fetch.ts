/** `sluice fetch` as it is written on the command line, and what its options mean to people. */
import { type Command, Option } from "commander";
import { value, values } from "../option-parsers.js";
import { parseDelay } from "../parse/duration.js";
import { parseJsonText } from "../parse/json-text.js";
import { parseFormField, parseMethod } from "../parse/pairs.js";
import { parseRate, type Rate } from "../parse/rate.js";
import { type BodyField, parsePart } from "../parse/request-item.js";
import { parseWholeNumber } from "../parse/whole-number.js";
import {
  addAuthOptions,
  addConnectionOptions,
  addMessageOptions,
  addRetryOptions,
  addTraceOptions,
  type SendingFlags,
  sendingSettings,
  timeOption,
} from "../sending/define-sending.js";
import { bodySourceOf, requireBodyFor } from "../sending/request-body.js";
import type { Io } from "../terminal/io.js";
import { UsageProblem } from "../usage-problem.js";
import type { ResultPlace } from "./results/result-file.js";
import type { FetchSettings, PaceSettings, SavePlace } from "./settings.js";

const MOST_CONCURRENCY = 10_000;
const MIB = 1024 * 1024;
/** Bodies that go into JSON lines are held in memory, as many as requests run at once. */
const INCLUDED_BODY_BYTES = 10 * MIB;

/** What the parser has made of the command line. */
export interface FetchFlags extends SendingFlags {
  readonly input?: string;
  readonly concurrency: number;
  readonly perHost?: number;
  readonly rate?: Rate;
  readonly rateScope?: "all" | "host";
  readonly adaptive?: boolean;
  readonly delay?: readonly [leastMs: number, mostMs: number];
  readonly timeout: number;
  readonly method?: string;
  readonly userAgent?: string;
  readonly data?: string;
  readonly json?: string;
  readonly form?: readonly (readonly [name: string, value: string])[];
  readonly multipart?: readonly BodyField[];
  readonly output?: "table" | "jsonl" | "files";
  readonly outputFile?: string;
  readonly resume?: boolean;
  readonly outputDir?: string;
  readonly overwrite?: boolean;
  readonly body?: boolean;
  readonly failFast?: boolean;
  readonly remaining?: string;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Examples:
  sluice fetch https://example.com/a https://example.com/b
  sluice fetch -i urls.txt --concurrency 100 --retries 3 > results.jsonl
  grep -o 'https://[^"]*' page.html | sluice fetch -i - --per-host 4 --rate 20/s
  sluice fetch -i urls.txt --adaptive --retries 4
  sluice fetch -i urls.txt --output-dir pages --delay 100..500
  sluice fetch -i urls.txt -o results.jsonl --resume    (again and again, until all is done)
  sluice fetch -i urls.txt --retries 4 --retry-on 429,503 --max-retry-after 2m
  sluice fetch -i urls.txt --bearer-from env:API_TOKEN --auth-for https://api.example.com
  sluice fetch -i urls.txt --remaining left.txt    (Ctrl-C; later: -i left.txt)

Input files have one URL a line; blank lines and lines that begin with # are passed over.
A URL without a scheme is https; http for localhost, IP addresses and names without a dot, with a port.
A JSON line has index, url (as given, so it may hold secrets), ok, elapsed, sends, and status,
finalUrl, contentType, size, latency, file, body, or error with code and message. Times are in
milliseconds: elapsed includes waits and retries, latency is the last send alone.
Files are named after their URLs; only answers with a status of 2xx are saved.
Ctrl-C lets what is in flight finish, for 5 s at most; a second one ends at once.
Exit code: 0 all below 400, 1 some failed, 2 wrong usage, 130 stopped by Ctrl-C.`;

/** Adds the command; `done` is given its exit code. */
export function defineFetch(program: Command, io: Io, done: (exitCode: number) => void): void {
  const command = program
    .command("fetch")
    .summary("many requests at once")
    .description("Makes many requests at once, fast and within limits, in constant memory.")
    .argument("[url...]", "URLs to request, before those of --input");
  addInputOptions(command);
  addOutputOptions(command);
  addTraceOptions(command);
  addPaceOptions(command);
  addRetryOptions(command);
  addRequestOptions(command.optionsGroup("Requests:"));
  addAuthOptions(command);
  addConnectionOptions(command);
  command.addHelpText("after", EXAMPLES).action(async (urls: readonly string[], flags: FetchFlags) => {
    const settings = fetchSettings(urls, flags);
    const { runFetch } = await import("./fetch-command.js");
    done(await runFetch(settings, io));
  });
}

function addInputOptions(command: Command): void {
  command
    .option("-i, --input <file>", "read URLs from a file, one a line; - is standard input")
    .option("--fail-fast", "stop at the first failure")
    .option("--remaining <file>", "keep the inputs not worked off, to go on with; empty when all are done")
    .option("-q, --quiet", "no progress and no summary");
}

function addOutputOptions(command: Command): void {
  const formats = new Option("--output <how>", "table, jsonl or files (default: table on a terminal, else jsonl)");
  command
    .addOption(formats.choices(["table", "jsonl", "files"]))
    .option("-o, --output-file <file>", "write the JSON lines to a file")
    .option("--resume", "go on with --output-file: pass over what is done, try failures again")
    .option("--output-dir <dir>", "save each answer as a file in this folder")
    .option("--overwrite", "replace what is there: files of the same name, or --output-file")
    .option("--body", "put bodies into the JSON lines; at most 10 MiB each, see --max-size");
}

function addPaceOptions(command: Command): void {
  const places = value((text) => parseWholeNumber(text, 1, MOST_CONCURRENCY));
  const scopes = new Option("--rate-scope <scope>", "who shares --rate: all, or those to one host (default: all)");
  command
    .optionsGroup("Pace:")
    .option("-c, --concurrency <n>", "requests at once", places, 50)
    .option("--per-host <n>", "requests at once to one host", places)
    .option("--rate <n/unit>", "requests begun in a time, evenly spaced: 10/s, 600/m", value(parseRate))
    .addOption(scopes.choices(["all", "host"]))
    .option("--adaptive", "find the rate that each host allows; --rate is the most of it then")
    .option("--delay <ms>", "wait before each request: 200, 100..500 (random), 1s-3s", value(parseDelay))
    .addOption(timeOption("--timeout <time>", "for one try: connecting, answer and body", 300_000, "5m"));
}

function addRequestOptions(command: Command): void {
  command
    .option("-X, --method <method>", "request method (default: GET, POST with a body)", value(parseMethod))
    .option("-d, --data <data>", "body: text, or @FILE for a file's content")
    .option("--json <json>", "body: JSON, sent as application/json", value(parseJsonText))
    .option("--form <name=value>", "body: a form field, may be repeated", values(parseFormField))
    .option("--multipart <part>", "body: multipart, name=text or name@file, may be repeated", values(parsePart))
    .option("--user-agent <text>", "User-Agent field");
  addMessageOptions(command);
}

/** Completes and checks what options mean together. Throws `UsageProblem`. */
export function fetchSettings(urls: readonly string[], flags: FetchFlags): FetchSettings {
  const body = bodySourceOf(flags);
  const { perHost = Number.POSITIVE_INFINITY, output, body: includeBody = false } = flags;
  if (urls.length === 0 && flags.input === undefined) {
    throw new UsageProblem("Nothing to fetch: name URLs, or a file of them with --input (- for standard input)");
  }
  if (includeBody && output !== undefined && output !== "jsonl") {
    throw new UsageProblem(`Cannot use --body with --output ${output}: bodies go into JSON lines`);
  }
  const sending = sendingSettings(flags);
  requireBodyFor(sending, body);
  return {
    inputs: { urls, file: flags.input },
    sending,
    method: flags.method ?? (body === undefined ? "GET" : "POST"),
    userAgent: flags.userAgent,
    body,
    concurrency: flags.concurrency,
    perHost,
    pace: paceOf(flags),
    timeout: flags.timeout,
    maxSize: sending.maxSize ?? (includeBody ? INCLUDED_BODY_BYTES : Number.POSITIVE_INFINITY),
    format: output === "files" ? undefined : includeBody ? "jsonl" : output,
    save: savePlace(flags),
    results: resultPlace(flags),
    includeBody,
    failFast: flags.failFast ?? false,
    remainingFile: flags.remaining,
    quiet: flags.quiet ?? false,
  };
}

function paceOf({ rate, rateScope, adaptive = false, delay = [0, 0] }: FetchFlags): PaceSettings {
  if (rateScope !== undefined && rate === undefined) throw new UsageProblem("Cannot use --rate-scope without --rate");
  if (rateScope === "all" && adaptive) {
    throw new UsageProblem("Cannot use --rate-scope all with --adaptive: it finds a rate for each host");
  }
  return { rate, perHost: adaptive || rateScope === "host", adaptive, delay };
}

function resultPlace({ output, outputFile, resume, overwrite }: FetchFlags): ResultPlace | undefined {
  if (outputFile === "-") throw new UsageProblem("Cannot use - as --output-file: without it, JSON lines go there");
  if (outputFile === undefined) {
    if (resume) throw new UsageProblem("Cannot use --resume without --output-file: it says what is done");
    return undefined;
  }
  if (output === "table") throw new UsageProblem("Cannot use --output table with --output-file: JSON lines go there");
  return { path: outputFile, resume: resume ?? false, overwrite: overwrite ?? false };
}

function savePlace({ output, outputDir, outputFile, overwrite, body }: FetchFlags): SavePlace | undefined {
  if (outputDir === undefined) {
    if (output === "files") throw new UsageProblem("Cannot save files without a folder: give --output-dir");
    if (overwrite && outputFile === undefined) {
      throw new UsageProblem("Cannot use --overwrite without --output-dir or --output-file");
    }
    return undefined;
  }
  if (output === "table" || output === "jsonl") {
    throw new UsageProblem(`Cannot use --output-dir with --output ${output}: leave --output away, or say files`);
  }
  if (body) throw new UsageProblem("Cannot use --body with --output-dir: a body goes to one place");
  return { directory: outputDir, overwrite: overwrite ?? false };
}
