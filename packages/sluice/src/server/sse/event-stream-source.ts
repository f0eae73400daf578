/** Where the events of an answer come from, and the checks on them. */

import { type EventToSend, formatEvent } from "../../body/event-stream/format-event.js";
import { UsageError } from "../../errors.js";

/** An event; text is one that has only data. */
export type SentEvent = EventToSend | string | FormattedEvent;

/** An event as it will stand in the stream: formatted once, where it is sent from, for as many readers as there are. */
export class FormattedEvent {
  readonly text: string;

  /** Throws as {@link textOfEvent} does. */
  constructor(event: SentEvent) {
    this.text = textOfEvent(event);
  }
}

/** What the source of a stream of events is told. */
export interface EventStreamContext {
  /** The id of the last event that this reader has seen, if it has been here before: its `Last-Event-ID`. */
  readonly lastEventId: string | undefined;
  /** Aborted when the stream is over: the reader has gone, the server closes, or the source has ended. */
  readonly signal: AbortSignal;
}

/** Events as they come, or a function that begins them for one reader. */
export type EventStreamSource = AsyncIterable<SentEvent> | ((context: EventStreamContext) => AsyncIterable<SentEvent>);

const KNOWN: ReadonlySet<string> = new Set<keyof EventToSend>(["event", "data", "id", "retry", "comment"]);

/** The text of an event. Throws `UsageError` `event-stream/not-writable` for what is none, such as data that was not given as `data`. */
export function textOfEvent(event: SentEvent): string {
  if (typeof event === "string") return formatEvent({ data: event });
  if (event instanceof FormattedEvent) return event.text;
  if (typeof event !== "object" || event === null) throw noEvent(`a ${event === null ? "null" : typeof event}`);
  let fields = 0;
  for (const name in event) {
    if (!KNOWN.has(name)) throw noEvent(`an object with the property ${JSON.stringify(name)}`);
    fields += 1;
  }
  if (fields === 0) throw noEvent("an object without properties");
  return formatEvent(event);
}

function noEvent(what: string): UsageError {
  const message = `Cannot send ${what} as an event: expected text, or an object with data, event, id, retry or comment`;
  return new UsageError("event-stream/not-writable", message);
}
