/** `sluice upload` as it is written on the command line, and what its options mean to people. */
import { type Command, Option } from "commander";
import type { UploadChecksum, UploadOptions } from "sluice/transfer";
import { value, values } from "../option-parsers.js";
import { completeUrl } from "../parse/complete-url.js";
import { parseFormField, parseHeader } from "../parse/pairs.js";
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
import type { UploadSettings } from "./settings.js";

/** What the parser has made of the command line. */
interface UploadFlags extends Omit<SendingFlags, "follow" | "retries"> {
  readonly protocol: "tus" | "put" | "post";
  readonly limitRate?: number;
  readonly checksum?: UploadChecksum;
  readonly chunkSize?: number;
  readonly tries: number;
  readonly stallTimeout: number;
  readonly type?: string;
  readonly name?: string;
  readonly metadata?: readonly (readonly [name: string, value: string])[];
  readonly fresh?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const MOST_TRIES = 1_000_000;
const STANDARD_INPUT = "-";

const EXAMPLES = `
Examples:
  sluice upload backup.tar https://example.com/files/
  sluice upload --limit-rate 2MB --checksum sha256 video.mp4 https://example.com/files/
  sluice upload --protocol put image.iso https://example.com/image.iso
  tar c photos | sluice upload - https://example.com/files/ --name photos.tar

An upload by tus that was stopped, or has failed, is gone on with by the same command; a file that has
changed since begins anew. On a terminal there is a bar; elsewhere each line on standard output is
JSON: progress (at most one a second), created, resumed, restarted, retry, and done or failed at the end.
Exit code: 0 all of it is there, 1 it failed, 2 wrong usage, 130 stopped by Ctrl-C.`;

/** Adds the command; `done` is given its exit code. */
export function defineUpload(program: Command, io: Io, done: (exitCode: number) => void): void {
  const command = program
    .command("upload")
    .summary("send a file, and go on where it broke off")
    .description("Uploads a file to a server that speaks tus (sluice serve --uploads does), or with one PUT or POST.")
    .argument("<file>", "the file; - is standard input")
    .argument("<url>", "where uploads are created, or with put and post the target itself", completeUrl);
  command
    .addOption(new Option("--protocol <how>", "tus, put or post").choices(["tus", "put", "post"]).default("tus"))
    .option("--limit-rate <size>", "most bytes a second: 500k, 2MB", value(parseSize))
    .addOption(new Option("--checksum <how>", "have each part verified").choices(["sha1", "sha256", "sha512", "md5"]))
    .option("--chunk-size <size>", "most bytes of one request (default: no limit)", value(parseSize))
    .option("--fresh", "forget an earlier run and begin anew")
    .option("--name <text>", "what the server is told to call it (default: the file's name)")
    .option("--type <media/type>", "what the server is told it is")
    .option("--metadata <name=value>", "what else it is told, may be repeated", values(parseFormField))
    .option("--tries <n>", "tries without a byte between them", whole, 8)
    .addOption(timeOption("--stall-timeout <time>", "without a byte taken before it is tried anew", 30_000, "30s"))
    .option("-H, --header <name:value>", "header field, may be repeated", values(parseHeader))
    .option("-q, --quiet", "neither progress nor summary")
    .option("--json", "lines of JSON on a terminal, too");
  addTraceOptions(command);
  addAuthOptions(command);
  addConnectionOptions(command);
  command.addHelpText("after", EXAMPLES).action(async (file: string, url: string, flags: UploadFlags) => {
    const settings = uploadSettings(file, url, flags);
    const { runUpload } = await import("./upload-command.js");
    done(await runUpload(settings, io));
  });
}

const whole = value((text) => parseWholeNumber(text, 1, MOST_TRIES));

/** Completes and checks what options mean together. Throws `UsageProblem`. */
export function uploadSettings(file: string, url: string, flags: UploadFlags): UploadSettings {
  const { protocol, quiet = false, json = false } = flags;
  const { name, metadata = [], checksum, chunkSize, fresh } = flags;
  if (protocol !== "tus") {
    const idle = { name, metadata: flags.metadata, checksum, "chunk-size": chunkSize, fresh };
    for (const [option, flag] of Object.entries(idle)) {
      if (flag !== undefined) throw new UsageProblem(`Cannot use --${option} with --protocol ${protocol}`);
    }
  }
  const told = [...(name === undefined ? [] : [["filename", name] as const]), ...metadata];
  const options: UploadOptions = {
    protocol,
    attempts: flags.tries,
    stallTimeout: flags.stallTimeout,
    ...(flags.limitRate === undefined ? {} : { rateLimit: flags.limitRate }),
    ...(flags.type === undefined ? {} : { type: flags.type }),
    ...(flags.header === undefined ? {} : { headers: flags.header }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(chunkSize === undefined ? {} : { chunkSize }),
    ...(fresh === undefined ? {} : { fresh }),
    ...(told.length === 0 ? {} : { metadata: Object.fromEntries(told) }),
  };
  return { file, url, options, sending: sendingSettings({ ...flags, follow: true, retries: 0 }), json, quiet };
}

/** Whether the source is standard input. */
export function isStandardInput({ file }: Pick<UploadSettings, "file">): boolean {
  return file === STANDARD_INPUT;
}
