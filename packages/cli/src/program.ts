/**
 * The command line as a whole: which commands there are, and how it is said that one was called wrongly. What commands need beyond
 * their options is loaded when they run, so that help and version come at once.
 */
import { Command, CommanderError } from "commander";
import { defineDev } from "./dev/define-dev.js";
import { defineDownload } from "./download/define-download.js";
import { EXIT_OK, EXIT_USAGE } from "./exit-codes.js";
import { defineFetch } from "./fetch/define-fetch.js";
import { defineHttpbin } from "./httpbin/define-httpbin.js";
import { defineRequests } from "./request/define-request.js";
import { defineServe } from "./serve/define-serve.js";
import { defineSse } from "./sse/define-sse.js";
import type { Io } from "./terminal/io.js";
import { OutputClosed } from "./terminal/output.js";
import { defineUpload } from "./upload/define-upload.js";
import { version } from "./version.js";
import { defineWs } from "./ws/define-ws.js";

const EXAMPLES = `
Examples:
  sluice fetch -i urls.txt --concurrency 100 > results.jsonl
  sluice get -v https://example.com
  sluice ws wss://example.com/chat
  sluice download https://example.com/image.iso --segments 8
  sluice sse https://example.com/events
  sluice serve dist --spa
  sluice dev app.ts
  sluice httpbin --port 8080

sluice <command> --help says more, with examples.`;

/** Runs one command line, without the names of node and script, and resolves to the exit code. Never rejects. */
export async function runProgram(args: readonly string[], io: Io): Promise<number> {
  let exitCode = EXIT_OK;
  const program = makeProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    if (error instanceof OutputClosed) return EXIT_OK;
    const { explain, serverWords } = await import("./terminal/explain.js");
    const explained = explain(error);
    io.stderr.say(`sluice: ${explained.message}\n${serverWords(error)}`);
    return explained.exitCode;
  }
}

function makeProgram(io: Io, done: (exitCode: number) => void): Command {
  const program = new Command("sluice");
  program
    .description("Asynchronous HTTP from the command line.")
    .version(version(), "-V, --version", "show the version")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.say(text),
      writeErr: (text) => io.stderr.say(text),
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => write(`sluice: ${oneLine(text)}\n`),
    })
    .addHelpText("after", EXAMPLES);
  defineFetch(program, io, done);
  defineRequests(program, io, done);
  defineWs(program, io, done);
  defineSse(program, io, done);
  defineDownload(program, io, done);
  defineUpload(program, io, done);
  defineServe(program, io, done);
  defineDev(program, io, done);
  defineHttpbin(program, io, done);
  return program;
}

/**
 * The parser's complaint as one sentence, with a suggestion where it has one. A refused value is not repeated, because it may be a
 * secret: what is wrong with it is said by our own parsers, who know.
 */
function oneLine(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ");
  const refused = /^option '(?:-\w, )?(--[\w-]+)[^']*' argument '.*' is invalid\. (.*)$/.exec(line);
  const unknown = /^(unknown option '-[^=']*)=.*?'( \(Did you mean .*\))?$/.exec(line);
  if (unknown !== null) return `U${unknown[1]?.slice(1)}'${unknown[2] ?? ""}`;
  if (refused !== null) return `Cannot use ${refused[1]}: ${refused[2]}`;
  return line.charAt(0).toUpperCase() + line.slice(1);
}
