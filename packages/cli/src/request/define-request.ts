/** `sluice get` and its siblings as they are written on the command line. */
import type { Command } from "commander";
import { value, values } from "../option-parsers.js";
import { completeUrl } from "../parse/complete-url.js";
import { parseTimeLimit } from "../parse/duration.js";
import { parseJsonText } from "../parse/json-text.js";
import { parseFormField, parseMethod } from "../parse/pairs.js";
import { type BodyField, parsePart, parseRequestItem, type RequestItem } from "../parse/request-item.js";
import {
  addAuthOptions,
  addConnectionOptions,
  addMessageOptions,
  addRetryOptions,
  addTraceOptions,
  type SendingFlags,
  sendingSettings,
} from "../sending/define-sending.js";
import { bodySourceOf, requireBodyFor } from "../sending/request-body.js";
import type { Io } from "../terminal/io.js";
import { UsageProblem } from "../usage-problem.js";
import type { SingleRequestSettings } from "./settings.js";

/** Methods whose requests have no body that anybody would look at (RFC 9110 §9.3.1, §9.3.2). */
const BODILESS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

type Pairs = readonly (readonly [name: string, value: string])[];

/** What the parser has made of the command line. */
export interface RequestFlags extends SendingFlags {
  readonly method?: string;
  readonly data?: string;
  readonly json?: string;
  readonly form?: Pairs;
  readonly multipart?: readonly BodyField[];
  readonly timeout?: number;
  readonly unixSocket?: string;
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
      "sluice get -v https://example.com accept:text/html q==tea page==2",
      "sluice get https://example.com/image.png -o image.png",
    ],
  },
  { name: "head", summary: "the head of the answer alone", examples: ["sluice head https://example.com"] },
  {
    name: "post",
    summary: "send a body",
    examples: [
      "sluice post https://example.com/users name=Ada age:=36 tags:='[1,2]'",
      `sluice post https://example.com/users --json '{"name":"Ada"}'`,
      "sluice post https://example.com/login --form user=ada remember=1",
      "sluice post https://example.com/photos title=Tea photo@tea.jpg;type=image/jpeg",
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
    examples: ["sluice patch https://example.com/users/1 name=Ada"],
  },
  {
    name: "delete",
    summary: "delete what is at a URL",
    examples: ["sluice delete https://example.com/notes/1 --user-from login.txt"],
  },
  { name: "options", summary: "what a URL can do", examples: ["sluice options -i https://example.com"] },
  {
    name: "query",
    summary: "a safe request with a body",
    examples: ["sluice query https://example.com/search like=tea"],
  },
];

const NOTES = `
A URL may leave out its scheme: example.com is https, localhost:8080, :8080 and 192.0.2.1 are http.
Items behind the URL: name=text and name:=json are fields of the body, sent as one JSON object, or
as a form with --form, or as multipart with --multipart or a file (name@file); name=@file and name:=@file take them from a file; name==text is a query
parameter, Header:value a header field, @file the whole body. The first of these signs counts; a
backslash before : = @ or a backslash makes it part of the name.
On a terminal the head is shown as well, and JSON is laid out; a body that is no text is not shown.
In a pipe there is the body and nothing else, its Content-Encoding undone.
Exit code: 0 for any answer, 1 for none (or with --fail for 400 and more), 2 wrong usage, 130 Ctrl-C.`;

/** Adds one command for each method, and `request` for any; `done` is given their exit code. */
export function defineRequests(program: Command, io: Io, done: (exitCode: number) => void): void {
  for (const { name, summary, examples } of METHODS) {
    const command = program.command(name).summary(summary).description(`Makes a ${name.toUpperCase()} request.`);
    complete(command, examples).action(async (url: string, items: readonly string[], flags: RequestFlags) => {
      await start(requestSettings(name.toUpperCase(), { url, items }, flags));
    });
  }
  const command = program.command("request").summary("a request with any method").description("Makes a request.");
  command.option("-X, --method <method>", "request method", value(parseMethod), "GET");
  complete(command, ["sluice request -X PURGE https://example.com/a"]).action(
    async (url: string, items: readonly string[], flags: RequestFlags) => {
      await start(requestSettings(flags.method ?? "GET", { url, items }, flags));
    },
  );

  async function start(settings: SingleRequestSettings): Promise<void> {
    const { runRequest } = await import("./request-command.js");
    done(await runRequest(settings, io));
  }
}

function complete(command: Command, examples: readonly string[]): Command {
  command
    .argument("<url>", "URL", completeUrl)
    .argument("[item...]", "name=text, name:=json, name==query, Header:value; see below")
    .option("-d, --data <data>", "body: text, @FILE for a file's content, @- for standard input")
    .option("--json <json>", "body: JSON, sent as application/json", value(parseJsonText))
    .option("--form <name=value>", "body: a form, to which this field and all items belong", values(parseFormField))
    .option("--multipart <part>", "body: multipart, name=text or name@file; items belong to it", values(parsePart))
    .option("-v, --verbose", "show on standard error what was sent, and where the time went")
    .option("-i, --include", "write the head in a pipe as well")
    .option("-o, --output <file>", "save the body; the file appears when it is complete")
    .option("--fail", "exit with 1 for a status of 400 or more, and save nothing then")
    .option(
      "--timeout <time>",
      "time for everything; a bare number is in seconds (default: none)",
      value(parseTimeLimit),
    );
  addTraceOptions(command);
  addMessageOptions(command.optionsGroup("Messages:"));
  addRetryOptions(command);
  addAuthOptions(command);
  return addConnectionOptions(command)
    .option("--unix-socket <path>", "connect to a Unix socket instead of the URL's host")
    .addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}\n`).join("")}${NOTES}`);
}

/** The words of the command line that are no options. */
export interface RequestWords {
  readonly url: string;
  readonly items: readonly string[];
}

/** Completes and checks what options and items mean together. Throws `UsageProblem`. */
export function requestSettings(method: string, words: RequestWords, flags: RequestFlags): SingleRequestSettings {
  const { headers, params, fields, files } = sorted(words.items.map(parseRequestItem));
  const sending = sendingSettings(flags);
  if (fields.length > 0 && BODILESS.has(method)) {
    throw new UsageProblem(`Cannot send fields with ${method}: a query parameter is written as name==value`);
  }
  const [file, second] = files;
  if (second !== undefined) throw new UsageProblem("Cannot send more than one file as the body");
  const body = bodySourceOf({ ...flags, fields, file });
  requireBodyFor(sending, body);
  return {
    method,
    url: words.url,
    sending: { ...sending, headers: [...sending.headers, ...headers] },
    params,
    body,
    timeout: flags.timeout ?? Number.POSITIVE_INFINITY,
    unixSocket: flags.unixSocket,
    verbose: flags.verbose ?? false,
    includeHead: flags.include ?? false,
    outputFile: flags.output,
    failOnError: flags.fail ?? false,
  };
}

function sorted(items: readonly RequestItem[]): {
  readonly headers: Pairs;
  readonly params: Pairs;
  readonly fields: readonly BodyField[];
  readonly files: readonly string[];
} {
  return {
    headers: items.flatMap((item) => (item.kind === "header" ? [item.pair] : [])),
    params: items.flatMap((item) => (item.kind === "query" ? [item.pair] : [])),
    fields: items.flatMap((item) => (item.kind === "field" ? [item.field] : [])),
    files: items.flatMap((item) => (item.kind === "body" ? [item.path] : [])),
  };
}
