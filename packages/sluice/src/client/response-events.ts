/** The events of one answer: what its head has to say for that, and how its body is read. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import {
  EVENT_STREAM_DEFAULTS,
  type EventStreamLimits,
  EventStreamParser,
  type ServerSentEvent,
} from "../body/event-stream/event-stream-parser.js";
import { readEvents } from "../body/event-stream/read-events.js";
import { ContentTypeError } from "../errors.js";
import { parseMediaType } from "../http/media-type.js";
import { refuseUnknown } from "../options.js";
import type { ClientResponse } from "./response.js";

/** Options of `events()`: limits, and with `schema` the data of each event as JSON that it has validated. */
export interface EventsOptions extends Partial<EventStreamLimits> {
  readonly schema?: StandardSchemaV1 | undefined;
}

/** Options of `events()` that leave the data as text. */
export interface TextEventsOptions extends EventsOptions {
  readonly schema?: undefined;
}

/** Options of `events()` that give its data a type. */
export interface TypedEventsOptions<S extends StandardSchemaV1> extends EventsOptions {
  readonly schema: S;
}

const KNOWN: ReadonlySet<string> = new Set<keyof EventsOptions>(["maxLineBytes", "maxEventCharacters", "schema"]);

/**
 * The events of `response`. Throws `ResponseError` for a status of 400 or more, `ContentTypeError` for another type than
 * `text/event-stream`. A 204 has no events.
 */
export async function* eventsOf(
  response: ClientResponse,
  options: EventsOptions,
): AsyncGenerator<ServerSentEvent<unknown>, void, undefined> {
  refuseUnknown("events", options, KNOWN);
  const parser = eventParser(options, "");
  if (await isEventStream(response)) yield* readEvents(response.body, parser, options.schema);
}

/** A parser with these limits, for a stream that goes on after `lastEventId`. Throws `UsageError` `options/out-of-range`. */
export function eventParser(options: Partial<EventStreamLimits>, lastEventId: string): EventStreamParser {
  const { maxLineBytes, maxEventCharacters } = EVENT_STREAM_DEFAULTS;
  return new EventStreamParser(
    {
      maxLineBytes: options.maxLineBytes ?? maxLineBytes,
      maxEventCharacters: options.maxEventCharacters ?? maxEventCharacters,
    },
    lastEventId,
  );
}

/** True for an event stream, false for a 204; throws for what is neither. */
export async function isEventStream(response: ClientResponse): Promise<boolean> {
  if (response.status >= 400) throw await response.toError();
  const { contentType } = response;
  if (response.status === 204) {
    response.discard();
    return false;
  }
  if (contentType !== undefined && parseMediaType(contentType)?.essence === "text/event-stream") return true;
  response.discard();
  const message = `Expected text/event-stream, but the answer (status ${response.status}) is ${contentType ?? "of no type"}`;
  throw response.describe(new ContentTypeError("response.content-type", message, { phase: "response" }));
}
