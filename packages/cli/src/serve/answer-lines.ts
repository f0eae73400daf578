/** A line for each answer: JSON as the server writes it, or for people: when, what, how it went, how much and how long. */
import { statusRole } from "../terminal/colours.js";
import type { Output } from "../terminal/output.js";
import { showBytes, showDuration } from "../terminal/quantities.js";
import { safeLine } from "../terminal/safe-text.js";
import { shorten } from "../terminal/text-width.js";

/** Of a line of the log, what people want to see. */
interface Answer {
  readonly time: string;
  readonly remote?: string;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly bytes: number;
  readonly ms: number;
  readonly error?: string;
}

const METHOD_WIDTH = 4;
/** What stands beside the path, and the least that is left for it. */
const OTHER_COLUMNS = 44;
const LEAST_PATH = 16;

/** The part of an application's options that has lines written. */
export interface AnswerLog {
  readonly format: "json";
  /** Takes one line of JSON. */
  readonly write: (line: string) => void;
}

/** The log that writes to `output`: for people on a terminal, unless JSON is wished for. */
export function answerLog(output: Output, json: boolean): AnswerLog {
  const isForPeople = output.isTerminal && !json;
  return {
    format: "json",
    write: (line) => output.say(`${isForPeople ? answerLine(JSON.parse(line) as Answer, output) : line}\n`),
  };
}

/** `12:34:56  GET  /path  200  1.2 kB  3.4 ms`. */
export function answerLine(answer: Answer, { colours, columns }: Pick<Output, "colours" | "columns">): string {
  const { time, method, target, status, bytes, ms, error } = answer;
  const path = shorten(safeLine(target), Math.max(LEAST_PATH, columns - OTHER_COLUMNS));
  const parts = [
    colours("faint", new Date(time).toTimeString().slice(0, 8)),
    method.padEnd(METHOD_WIDTH),
    path,
    colours(statusRole(status), String(status)),
    colours("faint", showBytes(bytes)),
    colours("faint", showDuration(ms)),
  ];
  if (error !== undefined) parts.push(colours("bad", safeLine(error)));
  return parts.join("  ");
}
