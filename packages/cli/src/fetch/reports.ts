/**
 * One line for each outcome. As a table for people: it keeps no rows, so columns have fixed widths and the last one what room there is.
 * As JSON lines for programs: nothing is shortened or hidden, the URL stands as it was given.
 */
import { parseUrl } from "../parse-url.js";
import type { Colours } from "../terminal/colours.js";
import { statusRole } from "../terminal/colours.js";
import { showBytes, showDuration } from "../terminal/quantities.js";
import { safeLine } from "../terminal/safe-text.js";
import { shorten } from "../terminal/text-width.js";
import { type Answered, type Failed, isFine } from "./outcome.js";

const STATUS_WIDTH = 6;
const TIME_WIDTH = 12;
const SIZE_WIDTH = 8;
const GAP = "  ";
const BEFORE_URL = STATUS_WIDTH + TIME_WIDTH + SIZE_WIDTH + 3 * GAP.length;

/** JSON.stringify leaves these as they are; terminals obey some of them, and some programs take others for line ends. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Where a table is shown. */
export interface TableStyle {
  readonly colours: Colours;
  /** Characters of a line, at which rows are cut; undefined for no limit. */
  readonly width: number | undefined;
}

/** The line above the rows. */
export function tableHead({ colours }: TableStyle): string {
  const columns = ["STATUS".padEnd(STATUS_WIDTH), "TIME".padStart(TIME_WIDTH), "SIZE".padStart(SIZE_WIDTH), "URL"];
  return `${colours("faint", columns.join(GAP))}\n`;
}

/** One outcome as a row. */
export function tableRow(outcome: Answered | Failed, style: TableStyle): string {
  const { colours } = style;
  const where = safeLine(withoutUserInfo(outcome.input.url));
  if (outcome.kind === "failed") {
    const cells = [showDuration(outcome.elapsed).padStart(TIME_WIDTH), "–".padStart(SIZE_WIDTH)];
    const told = `${outcome.code}: ${where}`;
    return `${colours("bad", "failed".padEnd(STATUS_WIDTH))}${GAP}${cells.join(GAP)}${GAP}${fit(told, style)}\n`;
  }
  const status = colours(statusRole(outcome.status), String(outcome.status).padEnd(STATUS_WIDTH));
  const cells = [showDuration(outcome.elapsed).padStart(TIME_WIDTH), showBytes(outcome.size).padStart(SIZE_WIDTH)];
  const told = outcome.file === undefined ? where : `${where} > ${outcome.file}`;
  return `${status}${GAP}${cells.join(GAP)}${GAP}${fit(told, style)}\n`;
}

/** One outcome as a line of JSON; what there is nothing to say about is left out. */
export function jsonLine(outcome: Answered | Failed): string {
  const { index, url } = outcome.input;
  const common = { index, url, ok: isFine(outcome), elapsed: round(outcome.elapsed), sends: outcome.sends };
  if (outcome.kind === "failed") {
    return toLine({ ...common, error: { code: outcome.code, message: outcome.message } });
  }
  const { status, finalUrl, contentType, size, latency, file, body } = outcome;
  return toLine({ ...common, status, finalUrl, contentType, size, latency: round(latency), file, ...bodyFields(body) });
}

function toLine(record: object): string {
  const json = JSON.stringify(record).replace(UNSAFE_IN_JSON, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `${json}\n`;
}

/** Text where it is UTF-8, base64 where it is not. */
function bodyFields(body: Uint8Array | undefined): { readonly body?: string; readonly bodyEncoding?: "base64" } {
  if (body === undefined) return {};
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const text = bytes.toString("utf8");
  // A replacement character may be the body's own; then it encodes to the same bytes.
  if (!text.includes("\uFFFD") || Buffer.from(text).equals(bytes)) return { body: text };
  return { body: bytes.toString("base64"), bodyEncoding: "base64" };
}

function fit(text: string, { width }: TableStyle): string {
  return width === undefined ? text : shorten(text, Math.max(1, width - BEFORE_URL));
}

/** Microseconds are as exact as it gets. */
function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/** User and password are not for the eyes of whoever looks at the screen. */
function withoutUserInfo(url: string): string {
  if (!url.includes("@")) return url;
  const parsed = parseUrl(url);
  if (parsed === undefined) return url.slice(url.lastIndexOf("@") + 1);
  if (parsed.username === "" && parsed.password === "") return url;
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}
