/** `sluice sse` as it is written on the command line. */
import type { Command } from "commander";
import { value, values } from "../option-parsers.js";
import { parseAskingItems } from "../parse/asking-items.js";
import { completeUrl } from "../parse/complete-url.js";
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
import type { SseSettings } from "./settings.js";

const IDLE_MS = 300_000;

/** What the parser has made of the command line. */
interface SseFlags extends SendingFlags {
  readonly event?: readonly string[];
  readonly count?: number;
  readonly lastEventId?: string;
  /** False for one connection. */
  readonly reconnect: boolean;
  readonly idleTimeout: number;
}

const NOTES = `
Examples:
  sluice sse https://example.com/events
  sluice sse https://example.com/events channel==news --event price -n 10
  sluice sse https://example.com/events --last-event-id 42 | jq .data

On a terminal, events are laid out for people. In a pipe, each is one line of JSON: event, id, data;
data that is a JSON object or array is that, anything else a string.
When a connection ends, another one goes on behind the last event (Last-Event-ID); the first one
has to succeed. Exit code: 0 when the server says that there is no more, or -n are there; 1 for a
failure; 2 wrong usage; 130 Ctrl-C.`;

/** Adds the command; `done` is given its exit code. */
export function defineSse(program: Command, io: Io, done: (exitCode: number) => void): void {
  const command = program
    .command("sse")
    .summary("follow server-sent events")
    .description("Follows the events of a URL (text/event-stream), over as many connections as it takes.")
    .argument("<url>", "URL", completeUrl)
    .argument("[item...]", "name==query, Header:value")
    .option("--event <type>", "show events of this type, may be repeated (default: all)", values(asItIs))
    .option("-n, --count <n>", "end after so many events", value(parseCount))
    .option("--last-event-id <id>", "go on behind this event")
    .option("--no-reconnect", "end where the connection ends")
    .addOption(timeOption("--idle-timeout <time>", "without a byte before a connection is given up", IDLE_MS, "5m"));
  addTraceOptions(command);
  addAskingOptions(command.optionsGroup("Messages:"));
  addAuthOptions(command);
  addConnectionOptions(command)
    .addHelpText("after", NOTES)
    .action(async (url: string, items: readonly string[], flags: SseFlags) => {
      const settings = sseSettings(url, items, flags);
      const { runSse } = await import("./sse-command.js");
      done(await runSse(settings, io));
    });
}

function sseSettings(url: string, items: readonly string[], flags: SseFlags): SseSettings {
  const { headers, params } = parseAskingItems(items);
  const sending = sendingSettings(flags);
  return {
    url,
    sending: { ...sending, headers: [...sending.headers, ...headers] },
    params,
    types: flags.event === undefined ? undefined : new Set(flags.event),
    count: flags.count ?? Number.POSITIVE_INFINITY,
    lastEventId: flags.lastEventId ?? "",
    reconnects: flags.reconnect,
    idleTimeout: flags.idleTimeout,
  };
}

function parseCount(text: string): number {
  return parseWholeNumber(text, 1);
}

function asItIs(text: string): string {
  return text;
}
