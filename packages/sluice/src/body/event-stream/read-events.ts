/** The events of one body, with their data as text or as what a schema makes of it. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Body } from "../body.js";
import { BodyIterator } from "../reading/body-iterator.js";
import { eachMade } from "../reading/valid-values.js";
import { validate } from "../schema.js";
import { parseJson } from "../text.js";
import type { EventStreamParser, ServerSentEvent } from "./event-stream-parser.js";

/** Most characters of an event's type in a message. */
const SHOWN_TYPE = 40;

/**
 * The events of `body` as `parser` finds them; with a schema, the data of each parsed as JSON and given to it. Throws
 * `PayloadError` `body/invalid-json` and `ValidationError` `body/schema-mismatch`, which name the event by number and type.
 */
export function readEvents(
  body: Body,
  parser: EventStreamParser,
  schema?: StandardSchemaV1,
): AsyncIterableIterator<ServerSentEvent<unknown>, undefined> {
  return body.readWith((flow) => {
    const events = new BodyIterator(flow, parser);
    if (schema === undefined) return events;
    let count = 0;
    return eachMade(
      events,
      async (event) => {
        count += 1;
        const place = `event ${count} (${JSON.stringify(event.event.slice(0, SHOWN_TYPE))})`;
        return { ...event, data: await validate(schema, parseJson(event.data, place), place) };
      },
      flow,
    );
  });
}
