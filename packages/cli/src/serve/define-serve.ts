/** `sluice serve` as it is written on the command line. */
import type { Command } from "commander";
import { value } from "../option-parsers.js";
import { parseDuration } from "../parse/duration.js";
import { parseOrigin } from "../parse/origin.js";
import { parseCredentials } from "../parse/pairs.js";
import { parsePort } from "../parse/port.js";
import { parseUrl } from "../parse-url.js";
import { secretFrom } from "../sending/secret.js";
import type { Io } from "../terminal/io.js";
import { UsageProblem } from "../usage-problem.js";
import type { IdentitySource, ServeSettings } from "./settings.js";

const PORT = 8_080;
const SPA_FALLBACK = "index.html";
const ANY_ORIGIN = "*";
const SECOND_MS = 1_000;

const EXAMPLES = `
Examples:
  sluice serve
  sluice serve dist --spa --compress
  sluice serve --host 0.0.0.0 --tls --basic-from password.txt photos
  sluice serve --cors https://app.example.com --quiet data
  sluice serve --uploads incoming --basic-from password.txt public

Its URL is on standard output, a line for each answer on standard error: JSON where that is no terminal.
Everybody who can reach it can read the folder, so it can be reached from this machine alone unless --host says otherwise.
Ctrl-C lets running requests end; a second one ends at once.`;

interface ServeFlags extends Pick<ServeSettings, "port" | "host" | "listing"> {
  readonly spa?: string | true;
  readonly cors?: string | true;
  readonly compress?: boolean;
  readonly dotfiles?: boolean;
  readonly maxAge?: number;
  readonly basic?: NonNullable<ServeSettings["user"]>;
  readonly basicFrom?: string;
  readonly tls?: boolean;
  readonly cert?: string;
  readonly key?: string;
  readonly uploads?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Adds the command; `done` is given its exit code. */
export function defineServe(program: Command, io: Io, done: (exitCode: number) => void): void {
  program
    .command("serve")
    .summary("serve the files of a folder")
    .description("Serves the files of a folder, this one if none is named.")
    .argument("[folder]", "the folder", ".")
    .option("--port <port>", "0 for a free one", value(parsePort), PORT)
    .option("--host <address>", "address to listen on; 0.0.0.0 or :: for all", "127.0.0.1")
    .option("--listing", "show what is in folders without an index.html", true)
    .option("--no-listing", "answer 404 for them")
    .option("--spa [file]", `answer visits to unknown paths with it (default: ${SPA_FALLBACK})`)
    .option("--dotfiles", "serve names that begin with a dot, too")
    .option("--max-age <time>", "for how long browsers need not ask again", value(parseAge))
    .option("--compress", "compress what gets smaller by it")
    .option("--cors [origin]", "let pages of this origin read the answers (default: all)", value(parseCorsOrigin))
    .option("--basic <user:password>", "let in who has these; others can see them in ps", value(parseCredentials))
    .option("--basic-from <place>", "the same from a file, or a variable with env:NAME")
    .option("--tls", "https, with a certificate made for this run if none is given")
    .option("--cert <file>", "https with this certificate and those behind it (PEM)")
    .option("--key <file>", "its key, if it is not in the same file")
    .option("--uploads <folder>", "take files into this folder, resumably; /uploads/ is a page to drop them on")
    .option("-q, --quiet", "no line for each answer")
    .option("--json", "lines of JSON on a terminal, too")
    .addHelpText("after", EXAMPLES)
    .action(async (folder: string, flags: ServeFlags) => {
      const settings = await settingsFrom(folder, flags, io);
      const { runServe } = await import("./serve-command.js");
      done(await runServe(settings, io));
    });
}

async function settingsFrom(folder: string, flags: ServeFlags, io: Io): Promise<ServeSettings> {
  const { port, host, listing, spa, cors, maxAge } = flags;
  const { compress = false, dotfiles = false, quiet = false, json = false } = flags;
  return {
    ...{ folder, port, host, listing, compress, dotfiles, quiet, json },
    uploads: flags.uploads,
    fallback: spa === true ? SPA_FALLBACK : spa,
    cors: cors === true ? ANY_ORIGIN : cors,
    maxAgeSeconds: maxAge === undefined ? undefined : Math.round(maxAge / SECOND_MS),
    user: await userFrom(flags, io),
    identity: identitySource(flags),
  };
}

async function userFrom({ basic, basicFrom }: ServeFlags, io: Io): Promise<ServeSettings["user"]> {
  if (basicFrom === undefined) return basic;
  if (basic !== undefined) throw new UsageProblem("Cannot use --basic with --basic-from");
  const secret = await secretFrom(basicFrom, io);
  if (!secret.includes(":")) throw new UsageProblem(`Cannot use ${basicFrom}: expected "user:password" in it`);
  return parseCredentials(secret);
}

function identitySource({ tls, cert, key }: ServeFlags): IdentitySource | undefined {
  if (cert !== undefined) return { cert, key: key ?? cert };
  if (key !== undefined) throw new UsageProblem("Cannot use --key without --cert");
  return tls === true ? "self-signed" : undefined;
}

function parseAge(text: string): number {
  return parseDuration(text, "s");
}

function parseCorsOrigin(text: string): string {
  if (text === ANY_ORIGIN) return text;
  const origin = parseOrigin(text);
  if (parseUrl(text)?.href === `${origin}/`) return origin;
  throw new UsageProblem("an origin has no path, query and user: expected one such as https://api.example.com");
}
