/** Server-sent events as text: laid out for people, or as JSON lines. */
import type { ServerSentEvent } from "sluice";
import { prettyJson } from "../request/pretty-json.js";
import type { Colours } from "../terminal/colours.js";
import { safeLine, safeText } from "../terminal/safe-text.js";

/** Type and id on a line of their own, then the data, and a blank line. Nothing in it can act on the terminal. */
export function eventText({ event, id, data }: ServerSentEvent, colours: Colours): string {
  const head = [colours("name", safeLine(event)), ...(id === "" ? [] : [colours("faint", `id ${safeLine(id)}`)])];
  const safe = safeText(data);
  return `${head.join(" ")}\n${prettyJson(safe, colours) ?? safe}\n\n`;
}

/** One line. Data that is a JSON object or array is that; text never is one of these, so that nothing is confused. */
export function eventLine({ event, id, data }: ServerSentEvent): string {
  return `${JSON.stringify({ event, id, data: structured(data) ?? data })}\n`;
}

/** The object or array that `text` is; undefined if it is none. */
export function structured(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
