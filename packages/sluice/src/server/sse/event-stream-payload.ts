/** The body of an answer that is a stream of events: its source, and what it is told of the request. */

import { formatEvent } from "../../body/event-stream/format-event.js";
import type { Payload } from "../../body/payload.js";
import { newSharedController } from "../../concurrency/abort.js";
import type { Clock } from "../../concurrency/clock.js";
import { EventStreamPieces } from "./event-stream-pieces.js";
import type { EventStreamContext, EventStreamSource, SentEvent } from "./event-stream-source.js";

/** What a stream of events is made of. */
export interface EventStreamParts {
  readonly source: EventStreamSource;
  /** Milliseconds of silence after which a comment is sent. */
  readonly heartbeatMs: number;
  readonly retryMs: number | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** What readers wait by themselves before they come back, more or less: 3 s in Chrome, 5 s in Firefox. */
const USUAL_RETRY_MS = 3_000;

/** Opened once: its source starts with the first piece that is asked for. */
export class EventStreamPayload implements Payload {
  readonly length = undefined;
  readonly contentType = "text/event-stream";
  readonly replayable = false;
  readonly whole = undefined;
  /** Where the reader left off; known when the answer is about to be sent. */
  lastEventId: string | undefined;
  readonly #parts: EventStreamParts;
  readonly #controller = newSharedController();
  #pieces: EventStreamPieces | undefined;
  #ending = false;

  constructor(parts: EventStreamParts) {
    this.#parts = parts;
  }

  open(): AsyncIterable<Uint8Array> {
    const { heartbeatMs, retryMs, clock } = this.#parts;
    const context: EventStreamContext = { lastEventId: this.lastEventId, signal: this.#controller.signal };
    const pieces = new EventStreamPieces({
      events: this.#open(context),
      controller: this.#controller,
      first: retryMs === undefined ? undefined : formatEvent({ retry: retryMs }),
      last: () => formatEvent({ retry: this.#spreadRetry() }),
      heartbeatMs,
      clock,
    });
    this.#pieces = pieces;
    if (this.#ending) pieces.endSoon();
    return pieces;
  }

  /** An iterable that will not be read is released; a function has not been called. */
  discard(): void {
    const { source } = this.#parts;
    if (this.#pieces !== undefined || typeof source === "function") return;
    // Nobody is left to hear how that ends.
    source[Symbol.asyncIterator]().return?.().then(ignored, ignored);
  }

  endSoon(): void {
    this.#ending = true;
    this.#pieces?.endSoon();
  }

  #open(context: EventStreamContext): AsyncIterator<SentEvent> {
    const { source } = this.#parts;
    return (typeof source === "function" ? source(context) : source)[Symbol.asyncIterator]();
  }

  /** The readers of a server that closes are not to come back all at once. */
  #spreadRetry(): number {
    const { retryMs = USUAL_RETRY_MS, random } = this.#parts;
    return Math.round(retryMs * (1 + random()));
  }
}

function ignored(): void {}
