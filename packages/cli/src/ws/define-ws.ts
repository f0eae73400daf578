/** `sluice ws` as it is written on the command line. */
import { type Command, Option } from "commander";
import { value, values } from "../option-parsers.js";
import { parseAskingItems } from "../parse/asking-items.js";
import { completeUrl } from "../parse/complete-url.js";
import { parseSize } from "../parse/size.js";
import { parseWholeNumber } from "../parse/whole-number.js";
import {
  addAskingOptions,
  addAuthOptions,
  addConnectionOptions,
  addTraceOptions,
  type SendingFlags,
  sendingSettings,
  timeOption,
} from "../sending/define-sending.js";
import type { Io } from "../terminal/io.js";
import type { WsOutput, WsSettings } from "./settings.js";

const WAIT_MS = 1_000;
const HEARTBEAT_MS = 30_000;

/** What the parser has made of the command line. */
interface WsFlags extends Omit<SendingFlags, "compress" | "maxSize"> {
  readonly protocol?: readonly string[];
  readonly compress?: boolean;
  readonly reconnect?: boolean;
  readonly binary?: boolean;
  /** False: standard input is left alone. */
  readonly input: boolean;
  readonly output?: WsOutput;
  readonly count?: number;
  readonly wait: number;
  readonly heartbeat: number;
  readonly maxSize?: number;
}

const NOTES = `
Examples:
  sluice ws wss://example.com/chat
  sluice ws wss://example.com/feed --protocol v1 --reconnect --bearer-from env:TOKEN
  echo '{"subscribe":"news"}' | sluice ws wss://example.com/feed -n 1
  sluice ws wss://example.com/feed --no-input --output jsonl > messages.jsonl

On a terminal, a line is a message, and messages are laid out for people; arrows bring back lines.
  /ping           how long the peer takes to answer
  /binary 0a ff   bytes, in hexadecimal
  /close [code [reason]], Ctrl-D   end it
  //text          a message that begins with a slash
In pipes, lines in are messages out, and messages in are lines out: text as it is, bytes in
hexadecimal. With --output jsonl each is an object with type and data. Behind the end of the
input it waits for answers, until none has come for --wait.
Exit code: 0 for an end in good order; 1 for a failure, or another close code than 1000, 1001 and
none; 2 wrong usage; 130 Ctrl-C.`;

/** Adds the command; `done` is given its exit code. */
export function defineWs(program: Command, io: Io, done: (exitCode: number) => void): void {
  const command = program
    .command("ws")
    .summary("talk to a WebSocket")
    .description("Opens a WebSocket: lines are sent, messages are shown.")
    .argument("<url>", "ws:, wss:, http: or https: URL", completeUrl)
    .argument("[item...]", "name==query, Header:value")
    .option("--protocol <name>", "sub-protocol to offer, may be repeated", values(asItIs))
    .option("--compress", "offer to compress messages (permessage-deflate)")
    .option("--reconnect", "connect again when the connection is lost")
    .option("-n, --count <n>", "end after so many messages", value(parseCount))
    .option("--binary", "lines are bytes in hexadecimal, sent as binary messages")
    .option("--no-input", "listen only: standard input is not read")
    .addOption(new Option("--output <how>", "lines or jsonl (default: lines, in a pipe)").choices(["lines", "jsonl"]))
    .addOption(timeOption("--wait <time>", "for answers behind the end of the input", WAIT_MS, "1s"))
    .addOption(timeOption("--heartbeat <time>", "between pings of a silent peer", HEARTBEAT_MS, "30s"))
    .option("--max-size <size>", "longest message taken (default: 16MiB)", value(parseSize));
  addTraceOptions(command);
  addAskingOptions(command.optionsGroup("Handshake:"));
  addAuthOptions(command);
  addConnectionOptions(command)
    .addHelpText("after", NOTES)
    .action(async (url: string, items: readonly string[], flags: WsFlags) => {
      const settings = wsSettings(url, items, flags);
      const { runWs } = await import("./ws-command.js");
      done(await runWs(settings, io));
    });
}

function wsSettings(url: string, items: readonly string[], flags: WsFlags): WsSettings {
  const { headers, params } = parseAskingItems(items);
  const { compress = false, maxSize, ...ofRequests } = flags;
  const sending = sendingSettings(ofRequests);
  return {
    url,
    sending: { ...sending, headers: [...sending.headers, ...headers] },
    params,
    protocols: flags.protocol ?? [],
    compress,
    reconnects: flags.reconnect ?? false,
    binary: flags.binary ?? false,
    reads: flags.input,
    output: flags.output,
    count: flags.count ?? Number.POSITIVE_INFINITY,
    wait: flags.wait,
    heartbeat: flags.heartbeat,
    maxSize,
  };
}

function parseCount(text: string): number {
  return parseWholeNumber(text, 1);
}

/** The library reads it, and says what is wrong with it. */
function asItIs(text: string): string {
  return text;
}
