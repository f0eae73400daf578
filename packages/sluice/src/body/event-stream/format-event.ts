/**
 * Writes `text/event-stream` (HTML Standard, §9.2.5): what {@link formatEvent} gives, a parser reads as the same event. Line ends
 * cannot get into a field by way of its value, so nobody's data becomes somebody else's event.
 */

import { UsageError } from "../../errors.js";

/** One event to send; a field that is undefined is not written. */
export interface EventToSend {
  /** Its type; readers take `message` if there is none. */
  readonly event?: string | undefined;
  /** Text is sent as it is, its lines one by one (whatever ended them, readers see LF); anything else as JSON. */
  readonly data?: unknown;
  /** What a reader that comes back sends as `Last-Event-ID`; empty to forget the one before. */
  readonly id?: string | undefined;
  /** Milliseconds that readers wait before they come back: a whole number from 0. */
  readonly retry?: number | undefined;
  /** Seen by nobody; a stream with nothing to say sends one now and then, so that nobody takes it for dead. */
  readonly comment?: string | undefined;
}

const LINE_END = /\r\n|\r|\n/;

/**
 * The text of one event, ended by an empty line. Throws `UsageError` `event-stream/not-writable` for what cannot be written: an
 * id or type with a line end, an id with NUL, a retry time that is no whole number, data without a JSON form.
 */
export function formatEvent(event: EventToSend): string {
  const { data, id, retry, comment } = event;
  let text = "";
  if (comment !== undefined) for (const line of comment.split(LINE_END)) text += `: ${line}\n`;
  if (retry !== undefined) {
    if (!Number.isSafeInteger(retry) || retry < 0) throw refused(`retry ${retry} is not a whole number from 0`);
    text += `retry: ${retry}\n`;
  }
  if (id !== undefined) {
    if (id.includes("\0")) throw refused("an id cannot have NUL in it, readers would ignore it");
    text += `id: ${oneLine("id", id)}\n`;
  }
  if (event.event !== undefined) text += `event: ${oneLine("event", event.event)}\n`;
  if (data !== undefined) for (const line of textOf(data).split(LINE_END)) text += `data: ${line}\n`;
  return `${text}\n`;
}

function oneLine(name: string, value: string): string {
  if (LINE_END.test(value)) throw refused(`${name} cannot have a line end in it`);
  return value;
}

function textOf(data: unknown): string {
  if (typeof data === "string") return data;
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw new UsageError(
      "event-stream/not-writable",
      "Cannot write an event: JSON.stringify failed on its data, see the cause",
      { cause: error },
    );
  }
  if (text === undefined) throw refused(`its data is a ${typeof data}, which has no JSON form`);
  return text;
}

function refused(why: string): UsageError {
  return new UsageError("event-stream/not-writable", `Cannot write an event: ${why}`);
}
