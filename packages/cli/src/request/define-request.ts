/** `sluice get` and its siblings as they are written on the command line. */
import { type Command, Option } from "commander";
import { value, values } from "../option-parsers.js";
import { parseTimeLimit } from "../parse/duration.js";
import { parseJsonText } from "../parse/json-text.js";
import { parseCredentials, parseFormField, parseHeader, parseMethod, parseNames } from "../parse/pairs.js";
import { bodySourceOf } from "../request-body.js";
import type { Io } from "../terminal/io.js";
import type { SingleRequestSettings } from "./settings.js";

type Pairs = readonly (readonly [name: string, value: string])[];

/** What the parser has made of the command line. */
export interface RequestFlags {
  readonly method?: string;
  readonly header?: Pairs;
  readonly data?: string;
  readonly json?: string;
  readonly form?: Pairs;
  readonly user?: { readonly username: string; readonly password: string };
  readonly timeout?: number;
  readonly connectTimeout: number;
  readonly follow: boolean;
  readonly unixSocket?: string;
  readonly insecure?: boolean;
  readonly cacert?: string;
  readonly showQuery?: readonly string[];
  readonly verbose?: boolean;
  readonly include?: boolean;
  readonly output?: string;
  readonly fail?: boolean;
}

interface Named {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly string[];
}

const METHODS: readonly Named[] = [
  {
    name: "get",
    summary: "get what is at a URL",
    examples: [
      "sluice get https://example.com/data.json",
      "sluice get -v -H 'accept: text/html' https://example.com",
      "sluice get https://example.com/image.png -o image.png",
    ],
  },
  { name: "head", summary: "the head of the answer alone", examples: ["sluice head https://example.com"] },
  {
    name: "post",
    summary: "send a body",
    examples: [
      `sluice post https://example.com/users --json '{"name":"Ada"}'`,
      "sluice post https://example.com/login --form user=ada --form remember=1",
      "sluice post https://example.com/files -d @notes.txt -H 'content-type: text/plain'",
    ],
  },
  {
    name: "put",
    summary: "replace what is at a URL",
    examples: ["sluice put https://example.com/notes/1 -d @notes.txt"],
  },
  {
    name: "patch",
    summary: "change what is at a URL",
    examples: [`sluice patch https://example.com/users/1 --json '{"name":"Ada"}'`],
  },
  {
    name: "delete",
    summary: "delete what is at a URL",
    examples: ["sluice delete https://example.com/notes/1 -u ada:secret"],
  },
  { name: "options", summary: "what a URL can do", examples: ["sluice options -i https://example.com"] },
  {
    name: "query",
    summary: "a safe request with a body",
    examples: [`sluice query https://example.com/search --json '{"like":"tea"}'`],
  },
];

const NOTES = `
On a terminal the head is shown as well, and JSON is laid out; a body that is no text is not shown.
In a pipe there is the body and nothing else, its Content-Encoding undone.
Exit code: 0 for any answer, 1 for none (or with --fail for 400 and more), 2 wrong usage, 130 Ctrl-C.`;

/** Adds one command for each method, and `request` for any; `done` is given their exit code. */
export function defineRequests(program: Command, io: Io, done: (exitCode: number) => void): void {
  for (const { name, summary, examples } of METHODS) {
    const command = program.command(name).summary(summary).description(`Makes a ${name.toUpperCase()} request.`);
    complete(command, examples).action(async (url: string, flags: RequestFlags) => {
      await start(requestSettings(name.toUpperCase(), url, flags));
    });
  }
  const command = program.command("request").summary("a request with any method").description("Makes a request.");
  command.option("-X, --method <method>", "request method", value(parseMethod), "GET");
  complete(command, ["sluice request -X PURGE https://example.com/a"]).action(
    async (url: string, flags: RequestFlags) => {
      await start(requestSettings(flags.method ?? "GET", url, flags));
    },
  );

  async function start(settings: SingleRequestSettings): Promise<void> {
    const { runRequest } = await import("./request-command.js");
    done(await runRequest(settings, io));
  }
}

function complete(command: Command, examples: readonly string[]): Command {
  const connectTimeout = new Option("--connect-timeout <time>", "time for connecting; a bare number is in seconds");
  return command
    .argument("<url>", "absolute URL")
    .option("-H, --header <name:value>", "header field, may be repeated", values(parseHeader))
    .option("-d, --data <data>", "body: text, @FILE for a file's content, @- for standard input")
    .option("--json <json>", "body: JSON, sent as application/json", value(parseJsonText))
    .option("--form <name=value>", "body: a form field, may be repeated", values(parseFormField))
    .option("-u, --user <user:password>", "Basic credentials", value(parseCredentials))
    .option("-v, --verbose", "show on standard error what was sent, and where the time went")
    .option("-i, --include", "write the head in a pipe as well")
    .option("-o, --output <file>", "save the body; the file appears when it is complete")
    .option("--fail", "exit with 1 for a status of 400 or more, and save nothing then")
    .option("-L, --follow", "follow redirects, 10 at most", true)
    .option("--no-follow", "show a redirect as it is")
    .option(
      "--timeout <time>",
      "time for everything; a bare number is in seconds (default: none)",
      value(parseTimeLimit),
    )
    .addOption(connectTimeout.default(30_000, "30s").argParser(value(parseTimeLimit)))
    .option("--unix-socket <path>", "connect to a Unix socket instead of the URL's host")
    .option("--insecure", "take any certificate")
    .option("--cacert <file>", "authorities to trust instead of the built-in ones (PEM)")
    .option("--show-query <names>", "query parameters shown in errors; others appear as …", value(parseNames))
    .addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}\n`).join("")}${NOTES}`);
}

/** Completes and checks what options mean together. Throws `UsageProblem`. */
export function requestSettings(method: string, url: string, flags: RequestFlags): SingleRequestSettings {
  return {
    method,
    url,
    headers: flags.header ?? [],
    body: bodySourceOf(flags),
    credentials: flags.user,
    timeout: flags.timeout ?? Number.POSITIVE_INFINITY,
    connectTimeout: flags.connectTimeout,
    followRedirects: flags.follow,
    unixSocket: flags.unixSocket,
    insecure: flags.insecure ?? false,
    caFile: flags.cacert,
    showQuery: flags.showQuery ?? [],
    verbose: flags.verbose ?? false,
    includeHead: flags.include ?? false,
    outputFile: flags.output,
    failOnError: flags.fail ?? false,
  };
}
