/**
 * What a server sends back for one request, as the link takes it: a final status, field lines and a payload, or the take-over of
 * the connection by another protocol. The application's `Reply` is one of these; refusals of the link itself are others.
 */

import type { Payload } from "../body/payload.js";
import type { PeerError } from "../errors.js";
import { reasonPhrase } from "../http/status.js";
import type { FieldLines } from "../http1/sinks.js";
import type { EndListener, Successor } from "./handed-over.js";

/** A final answer (RFC 9110 §15). The link adds Date, Connection and the framing. */
export interface Answer {
  readonly status: number;
  /** Replaces the usual reason phrase. */
  readonly reason: string | undefined;
  /** Name, value, name, value …; checked when they are written. A frozen array is checked once. */
  readonly fields: FieldLines;
  /** The body, or undefined for none. Discarded unread where HTTP has no body. */
  readonly payload: Payload | undefined;
  /**
   * Called once when all of the answer was handed to the transport, or when it was given up, with the reason. An answer that hands the
   * connection over is over when that is released.
   */
  readonly onSent: EndListener | undefined;
  /** Present: the connection changes protocol with this answer (status 101, or 2xx to CONNECT). */
  readonly successor?: Successor | undefined;
}

const REFUSAL_FIELDS: FieldLines = Object.freeze(["Content-Type", "text/plain; charset=utf-8"]);

/** A short plain answer in the link's own name. `code` tells the client what was wrong; nothing of the request is repeated. */
export function refusal(status: number, code: string): Answer {
  return {
    status,
    reason: undefined,
    fields: REFUSAL_FIELDS,
    payload: textPayload(`${status} ${reasonPhrase(status)}: ${code}\n`),
    onSent: undefined,
  };
}

/** The answer to bytes that are no valid request (RFC 9112 §2.2, §3; RFC 9110 §15.5). */
export function refusalOf(error: PeerError): Answer {
  return refusal(error.statusHint, error.code);
}

/** `text` is ASCII. */
function textPayload(text: string): Payload {
  return {
    length: text.length,
    contentType: undefined,
    replayable: true,
    whole: text,
    open: async function* () {
      yield Buffer.from(text);
    },
    discard: () => undefined,
  };
}
