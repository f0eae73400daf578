/**
 * Events by way of a call, for sources that call back: a feed is handed to `reply.sse`, and sent to from wherever events come from.
 * What its reader has not taken is held, up to a bound. A reader that falls behind further is let go: it comes back by itself and
 * says with which event to go on, which is better than memory without end, and than events lost without a word.
 */

import { newSharedController } from "../../concurrency/abort.js";
import { AsyncQueue } from "../../concurrency/async-queue.js";
import { ConnectionLostError, UsageError } from "../../errors.js";
import { refuseUnknown } from "../../options.js";
import { FormattedEvent, type SentEvent } from "./event-stream-source.js";

/** How much a feed holds. */
export interface EventFeedOptions {
  /** Events held for a reader that is slower than they come; one more ends the stream. 1 to Infinity. @default 256 */
  readonly maxBufferedEvents?: number;
}

const DEFAULT_MAX_BUFFERED = 256;
const OPTION_NAMES: ReadonlySet<string> = new Set<keyof EventFeedOptions>(["maxBufferedEvents"]);

/** The events of one reader. */
export class EventFeed implements AsyncIterable<SentEvent> {
  readonly #queue: AsyncQueue<FormattedEvent>;
  readonly #controller = newSharedController();
  #read = false;

  /** Throws `UsageError` `options/out-of-range`, `options/unknown`. */
  constructor(options: EventFeedOptions = {}) {
    refuseUnknown("event feed", options, OPTION_NAMES);
    const { maxBufferedEvents = DEFAULT_MAX_BUFFERED } = options;
    this.#queue = new AsyncQueue(maxBufferedEvents);
  }

  /** Aborted when the stream is over, for whatever reason: the place to stop listening to where events come from. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether nothing can be sent any more. */
  get closed(): boolean {
    return this.#queue.closed;
  }

  /** Events that wait for the reader. */
  get bufferedEvents(): number {
    return this.#queue.size;
  }

  /**
   * Sends an event. False if the stream is over, or if this event was one too many, which ends it. Throws `UsageError`
   * `event-stream/not-writable` for what is no event.
   */
  send(event: SentEvent): boolean {
    // Formatted here, because where it is sent from is where a mistake can be found.
    if (this.#queue.tryPut(new FormattedEvent(event))) return true;
    if (this.#queue.closed) return false;
    const message = `The event stream has ended: its reader is ${this.#queue.capacity} events behind`;
    this.#end(new ConnectionLostError("sse/slow-reader", message));
    return false;
  }

  /** Ends the stream after the events that wait. */
  close(): void {
    this.#queue.close();
    if (!this.#read) this.#controller.abort(over());
  }

  /** For `reply.sse`; throws `UsageError` `event-stream/already-read` the second time, because each reader needs a feed of its own. */
  [Symbol.asyncIterator](): AsyncIterator<SentEvent, undefined> {
    if (this.#read)
      throw new UsageError("event-stream/already-read", "Cannot read an event feed twice: make one for each reader");
    this.#read = true;
    const events = this.#queue[Symbol.asyncIterator]();
    return {
      next: async () => {
        const result = await events.next();
        if (result.done === true) this.#end(over());
        return result;
      },
      return: async () => {
        this.#end(over());
        return { value: undefined, done: true };
      },
    };
  }

  #end(reason: Error): void {
    this.#queue.cancel(reason);
    this.#controller.abort(reason);
  }
}

function over(): ConnectionLostError {
  return new ConnectionLostError("sse/ended", "The event stream has ended");
}
