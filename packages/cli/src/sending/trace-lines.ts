/**
 * The life of requests, a line for each thing that happens: for people, or as JSON for programs. The library's traces hold no secrets:
 * names of header fields without their values, URLs without those of their queries.
 */
import type { ClientTrace, ClientTraceName, TraceEvent } from "sluice";
import type { Colours } from "../terminal/colours.js";
import type { Output } from "../terminal/output.js";
import { shortNumber } from "../terminal/quantities.js";
import { safeLine } from "../terminal/safe-text.js";
import type { TraceFormat } from "./settings.js";

/** Those that are told: all there are. */
export const EVENTS = [
  "requestStart",
  "queueStart",
  "queueEnd",
  "dnsStart",
  "dnsEnd",
  "dnsCacheHit",
  "dnsCacheMiss",
  "connectStart",
  "connectEnd",
  "tlsStart",
  "tlsEnd",
  "connectionReuse",
  "requestHeadersSent",
  "requestBodySent",
  "informational",
  "responseHeaders",
  "connectionUpgraded",
  "responseBodyReceived",
  "requestRedirect",
  "requestRetry",
  "requestThrottled",
  "requestEnd",
  "requestException",
] as const satisfies readonly ClientTraceName[];

const NAME_WIDTH = Math.max(...EVENTS.map((name) => name.length));
const TIME_WIDTH = 9;
const MS_PER_SECOND = 1_000;

type Event = TraceEvent<ClientTraceName>;

/** Called before a line is written. */
export type BeforeLine = () => void;

/** Listeners that write to `output`; `"fitting"` is text on a terminal and JSON elsewhere. */
export function traceOf(format: TraceFormat | "fitting", output: Output, beforeLine?: BeforeLine): ClientTrace {
  const asText = (format === "fitting" ? (output.isTerminal ? "text" : "json") : format) === "text";
  const startedAt = performance.now();
  const listen = (event: Event): void => {
    const line = asText ? traceText(event, startedAt, output.colours) : traceJson(event);
    beforeLine?.();
    output.say(`${line}\n`);
  };
  return Object.fromEntries(EVENTS.map((name) => [name, listen]));
}

/** One event as JSON. */
export function traceJson(event: Event): string {
  return JSON.stringify(event, (_key, item: unknown) => (item instanceof Error ? described(item) : item));
}

/** One event for people: time since the start, the request's number, what happened, and what it concerns. */
export function traceText(event: Event, startedAt: number, colours: Colours): string {
  const { event: name, id, method, url, time, ...details } = event;
  const subject = name === "requestStart" ? `${method} ${url}` : detailsText(details);
  const role = name === "requestException" ? "bad" : name === "requestRetry" ? "notice" : "name";
  const shown = colours(role, name.padEnd(NAME_WIDTH));
  const line = `${seconds(time - startedAt)} #${id} ${shown} ${safeLine(subject)}`;
  return line.trimEnd();
}

function seconds(ms: number): string {
  return `+${(Math.max(0, ms) / MS_PER_SECOND).toFixed(4)}s`.padStart(TIME_WIDTH);
}

function detailsText(details: object): string {
  // The code of an error is in its message already.
  const entries = Object.entries(details).filter(([key, item]) => {
    return item !== undefined && !(key === "code" && "error" in details);
  });
  return entries.map(([key, item]) => `${key}=${itemText(item)}`).join(" ");
}

function itemText(item: unknown): string {
  if (typeof item === "number") return Number.isInteger(item) ? String(item) : shortNumber(item);
  if (item instanceof Error) return item.message;
  if (Array.isArray(item)) return item.join(",");
  return typeof item === "object" ? JSON.stringify(item) : String(item);
}

/** Without stack and cause, which say where in the program it was. */
function described(error: Error): object {
  const { code } = error as NodeJS.ErrnoException;
  return { name: error.name, message: error.message, ...(code === undefined ? {} : { code }) };
}
