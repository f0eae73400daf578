/**
 * A stream of server-sent events that outlives its connections. Here are its options and its handle; `follow-events.ts`, loaded when
 * it is first read, makes the connections.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { EventStreamLimits, ServerSentEvent } from "../body/event-stream/event-stream-parser.js";
import { abortError, linkSignal } from "../concurrency/abort.js";
import type { Clock } from "../concurrency/clock.js";
import { UsageError } from "../errors.js";
import type { RequestOptions } from "./options.js";
import type { ClientResponse } from "./response.js";
import type { ClientSession } from "./session.js";

/** When and how often an event stream connects again. */
export interface ReconnectOptions {
  /** Milliseconds to wait, until the server names a time (`retry:`). 0 or more. @default 1_000 */
  readonly delay?: number;
  /**
   * What the wait grows to while connections fail one after another, in milliseconds: each time a random part is added to the
   * delay, of up to twice the one before. 0 or more. @default 30_000
   */
  readonly maxDelay?: number;
  /** The longest wait that a server may ask for, by `retry:` or `Retry-After`, in milliseconds. 0 or more. @default 300_000 */
  readonly maxServerDelay?: number;
  /** Connections in a row that end without an event, after which it is given up. 0 or more. @default Infinity */
  readonly attempts?: number;
  /**
   * Error statuses after which it connects again; others end the stream with their `ResponseError`.
   * @default 408, 425, 429, 500, 502, 503, 504
   */
  readonly statuses?: readonly number[] | ((status: number) => boolean);
  /** Whether it also tries again as long as it has never been open. @default false: the first connection has to succeed */
  readonly beforeOpen?: boolean;
  /** Gives numbers from 0 up to, not including, 1; a repeatable one in tests. @default Math.random */
  readonly random?: () => number;
}

/** What is about to happen when a stream waits to connect again. */
export interface Reconnect {
  /** What ended the connection; undefined if the server did, in good order. */
  readonly error: unknown;
  /** Connections in a row that ended without an event, this included; at least 1. */
  readonly attempt: number;
  /** Milliseconds until then. */
  readonly delay: number;
}

/** Options of `session.events()`: those of a request, and these. Time limits hold for each connection. */
export interface EventStreamOptions extends RequestOptions, Partial<EventStreamLimits> {
  /** @default "GET" */
  readonly method?: string;
  /** Where to go on: the id of the last event that was seen. Sent as `Last-Event-ID` unless empty. @default "" */
  readonly lastEventId?: string;
  /** `false`: one connection, whose end is the end. */
  readonly reconnect?: ReconnectOptions | false;
  /**
   * Milliseconds without a byte, comments included, after which the connection is taken for dead. More than 0.
   * @default `timeout.read`
   */
  readonly idleTimeout?: number;
  /** Parses the data of each event as JSON and validates it. What it refuses ends the stream with `ValidationError`. */
  readonly schema?: StandardSchemaV1 | undefined;
  /** The answer is an event stream and will be read. What a callback throws ends the stream. */
  readonly onOpen?: (response: ClientResponse) => void;
  /** A connection failed. If that ends the stream, the error is thrown as well. */
  readonly onError?: (error: unknown) => void;
  /** It will connect again. */
  readonly onReconnect?: (reconnect: Reconnect) => void;
}

/** Options of `session.events()` that leave the data as text. */
export interface TextEventStreamOptions extends EventStreamOptions {
  readonly schema?: undefined;
}

/** Options of `session.events()` that give its data a type. */
export interface TypedEventStreamOptions<S extends StandardSchemaV1> extends EventStreamOptions {
  readonly schema: S;
}

/** `idle`: nobody has begun to read; `waiting`: between two connections. */
export type EventStreamState = "idle" | "connecting" | "open" | "waiting" | "closed";

/** What a stream works with. */
export interface EventStreamSource {
  readonly session: ClientSession;
  readonly clock: Clock;
  readonly url: string | URL;
  readonly options: EventStreamOptions;
  /** Abort with their reason. */
  readonly signals: readonly AbortSignal[];
  /** Aborts when the session begins to close. */
  readonly closing: AbortSignal;
}

/** How far a stream is: written by whoever makes its connections, read by everybody. */
export interface EventStreamProgress {
  state: EventStreamState;
  /** Of the last event that was given out. */
  lastEventId: string;
}

/**
 * The events, in order, over as many connections as it takes. Read once, by `for await`; leaving the loop closes it, and its
 * connection. Nothing is sent before it is read.
 */
export class EventStream<T = string> implements AsyncIterable<ServerSentEvent<T>> {
  readonly #progress: EventStreamProgress;
  readonly #source: EventStreamSource;
  readonly #controller = new AbortController();
  readonly #closed = abortError("The event stream was closed");

  constructor(source: EventStreamSource) {
    this.#source = source;
    this.#progress = { state: "idle", lastEventId: source.options.lastEventId ?? "" };
  }

  get state(): EventStreamState {
    return this.#progress.state;
  }

  /** Of the last event that was read: what to go on from in another process. */
  get lastEventId(): string {
    return this.#progress.lastEventId;
  }

  /** Ends it: a loop that waits for the next event ends as if there were no more. Idempotent. */
  close(): void {
    this.#controller.abort(this.#closed);
    if (this.state === "idle") this.#progress.state = "closed";
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerSentEvent<T>, void, undefined> {
    if (this.state !== "idle") {
      if (this.#controller.signal.aborted) return;
      throw new UsageError("event-stream/already-read", "Cannot read the event stream: it can be read only once");
    }
    this.#progress.state = "connecting";
    const { signal } = this.#controller;
    const stops = this.#source.signals.map((one) => linkSignal(one, this.#controller));
    try {
      const { followEvents } = await import("./follow-events.js");
      yield* followEvents(this.#progress, this.#source, signal) as AsyncIterable<ServerSentEvent<T>>;
    } catch (error) {
      if (error !== this.#closed) throw error;
    } finally {
      this.#progress.state = "closed";
      for (const stop of stops) stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
