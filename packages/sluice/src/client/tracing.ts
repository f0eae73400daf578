/**
 * What a request tells of itself while it runs: to the session's `trace` listeners and to `node:diagnostics_channel` as
 * `sluice:client:<event>`. While nobody listens there is no tracer, and nothing is made or measured for one.
 *
 * Events are delivered in order from a microtask of their own, never from within the engine's handling of a packet: a listener
 * may do what it likes, and one that throws surfaces as an uncaught error of its own without touching the request. They run in the
 * asynchronous context of whoever made the request. Who listens is asked when a request is made.
 */

import type { Clock } from "../concurrency/clock.js";
import { UsageError } from "../errors.js";
import type { TlsInfo } from "../net/transport.js";
import { requireFunction, requireObject } from "../options.js";
import { keepContext } from "../platform/async-context.js";
import { type DiagnosticsChannel, diagnosticsChannel } from "../platform/diagnostics.js";

/**
 * What each event carries beside the fields of {@link TraceEvent}. No value in it is secret. `elapsed` and `delay` are milliseconds;
 * `attempt` counts sends from 1, over hops and retries; `code` is a failure's, and undefined where it went well.
 */
export interface ClientTraceDetails {
  readonly requestStart: object;
  /** No connection is free: it waits for a place, or for one to be made. What ends the wait in failure ends the request or the try. */
  readonly queueStart: { readonly origin: string };
  readonly queueEnd: { readonly origin: string; readonly elapsed: number };
  readonly dnsStart: { readonly host: string };
  readonly dnsEnd: { readonly host: string; readonly addresses: readonly string[] } & Ended;
  readonly dnsCacheHit: { readonly host: string };
  readonly dnsCacheMiss: { readonly host: string };
  /** Of one address; several may be tried at a time, and those given up because another was faster have no end. */
  readonly connectStart: { readonly host: string; readonly address: string; readonly port: number };
  readonly connectEnd: { readonly host: string; readonly address: string; readonly port: number } & Ended;
  readonly tlsStart: { readonly host: string };
  readonly tlsEnd: { readonly host: string; readonly tls: TlsInfo | undefined } & Ended;
  /** `exchanges`: how many requests the connection had carried before. */
  readonly connectionReuse: {
    readonly address: string | undefined;
    readonly port: number | undefined;
    readonly exchanges: number;
  };
  /** Names only: values may be secret. `bytes`: the whole head. */
  readonly requestHeadersSent: {
    readonly headerNames: readonly string[];
    readonly bytes: number;
    readonly traceparent: string | undefined;
    readonly attempt: number;
  };
  /** `bytes`: without their framing. */
  readonly requestBodySent: { readonly bytes: number; readonly attempt: number };
  readonly informational: { readonly status: number; readonly attempt: number };
  readonly responseHeaders: {
    readonly status: number;
    readonly httpVersion: string;
    readonly headerNames: readonly string[];
    readonly attempt: number;
  };
  /** The answer was 101: the connection has left HTTP and the pool, for a WebSocket. */
  readonly connectionUpgraded: {
    readonly address: string | undefined;
    readonly port: number | undefined;
    readonly attempt: number;
  };
  /** `bytes`: as they came, before content codings were undone. */
  readonly responseBodyReceived: { readonly bytes: number; readonly attempt: number };
  readonly requestRedirect: { readonly status: number; readonly to: string };
  readonly requestRetry: { readonly attempt: number; readonly delay: number; readonly reason: string };
  readonly requestThrottled: { readonly delay: number; readonly scope: string };
  readonly requestEnd: { readonly status: number; readonly attempts: number; readonly elapsed: number };
  readonly requestException: {
    readonly error: unknown;
    readonly code: string | undefined;
    readonly attempts: number;
    readonly elapsed: number;
  };
}

/** What the end of a step carries besides. */
export interface Ended {
  readonly elapsed: number;
  readonly code: string | undefined;
}

/** The events there are. */
export type ClientTraceName = keyof ClientTraceDetails;

/** What a listener is given. */
export type TraceEvent<Name extends ClientTraceName> = ClientTraceDetails[Name] & {
  readonly event: Name;
  /** Counts the requests of this process, so that a request's events can be told apart. */
  readonly id: number;
  /** Of the hop that is under way: a redirect may change both. */
  readonly method: string;
  /** Query values shown as `…` unless `showQuery` names them. */
  readonly url: string;
  /** Monotonic milliseconds, comparable between events only. */
  readonly time: number;
};

/** Listeners by event. */
export type ClientTrace = { readonly [Name in ClientTraceName]?: (event: TraceEvent<Name>) => void };

/** A session's listeners, several for an event perhaps. */
export type TraceListeners = { readonly [Name in ClientTraceName]?: readonly ((event: AnyEvent) => void)[] };

type AnyEvent = TraceEvent<ClientTraceName>;

const NAMES: readonly ClientTraceName[] = [
  "requestStart",
  "queueStart",
  "queueEnd",
  "dnsStart",
  "dnsEnd",
  "dnsCacheHit",
  "dnsCacheMiss",
  "connectStart",
  "connectEnd",
  "tlsStart",
  "tlsEnd",
  "connectionReuse",
  "requestHeadersSent",
  "requestBodySent",
  "informational",
  "responseHeaders",
  "connectionUpgraded",
  "responseBodyReceived",
  "requestRedirect",
  "requestRetry",
  "requestThrottled",
  "requestEnd",
  "requestException",
];

const channels = new Map<ClientTraceName, DiagnosticsChannel>(
  NAMES.map((name) => [name, diagnosticsChannel(`sluice:client:${name}`)]),
);
const channelList = [...channels.values()];

/** Whether anybody in the process listens to any of the client's channels. */
export function anyoneListens(): boolean {
  for (const channel of channelList) if (channel.hasSubscribers) return true;
  return false;
}

let lastId = 0;

/**
 * The listeners of one trace, or of several, in their order. Throws `UsageError` `options/unknown` for an event that there is not,
 * `options/unknown-value` for a listener that is no function. An instance of a class may have members of its own.
 */
export function traceListeners(given: ClientTrace | readonly ClientTrace[]): TraceListeners {
  const listeners: { [name in ClientTraceName]?: ((event: AnyEvent) => void)[] } = {};
  for (const trace of asList(given)) {
    refuseUnknownEvents(trace);
    for (const name of NAMES) {
      const listener = trace[name] as ((event: AnyEvent) => void) | undefined;
      if (listener === undefined) continue;
      requireFunction(`trace.${name}`, listener);
      const list = listeners[name] ?? [];
      list.push(listener.bind(trace));
      listeners[name] = list;
    }
  }
  return listeners;
}

/** Both, for a session that is derived from another. */
export function joinTraces(base: SessionTrace | undefined, more: SessionTrace | undefined): SessionTrace | undefined {
  if (base === undefined || more === undefined) return more ?? base;
  return [...asList(base), ...asList(more)];
}

/** What the `trace` option takes. */
export type SessionTrace = ClientTrace | readonly ClientTrace[];

function asList(given: SessionTrace): readonly ClientTrace[] {
  return Array.isArray(given) ? given : [given as ClientTrace];
}

function refuseUnknownEvents(trace: ClientTrace): void {
  requireObject("trace", trace);
  const prototype: unknown = Object.getPrototypeOf(trace);
  if (prototype !== Object.prototype && prototype !== null) return;
  const unknown = Object.keys(trace).find((name) => !(NAMES as readonly string[]).includes(name));
  if (unknown === undefined) return;
  throw new UsageError("options/unknown", `Cannot trace "${unknown}": there is no such event`);
}

/** What a tracer is made for. */
export interface Traced {
  readonly listeners: TraceListeners;
  readonly clock: Clock;
  readonly method: string;
  readonly url: string;
}

/** Speaks for one logical request. */
export class Tracer {
  readonly id: number;
  readonly #listeners: TraceListeners;
  readonly #clock: Clock;
  /** Listeners find the asynchronous context of whoever made the request, not that of the connection's maker. */
  readonly #context = keepContext();
  #method: string;
  #url: string;
  #pending: AnyEvent[] = [];

  constructor({ listeners, clock, method, url }: Traced) {
    lastId += 1;
    this.id = lastId;
    this.#listeners = listeners;
    this.#clock = clock;
    this.#method = method;
    this.#url = url;
  }

  /** What is said from now on concerns this hop. */
  concerns(method: string, url: string): void {
    this.#method = method;
    this.#url = url;
  }

  /** Whether anybody listens to `name`: for details that cost something to make. */
  hears(name: ClientTraceName): boolean {
    return this.#listeners[name] !== undefined || channels.get(name)?.hasSubscribers === true;
  }

  emit<Name extends ClientTraceName>(name: Name, details: ClientTraceDetails[Name]): void {
    if (!this.hears(name)) return;
    const { id } = this;
    const event = { event: name, id, method: this.#method, url: this.#url, time: this.#clock.now(), ...details };
    this.#pending.push(event as unknown as AnyEvent);
    if (this.#pending.length === 1) queueMicrotask(() => this.#context.runInAsyncScope(() => this.#deliver()));
  }

  #deliver(): void {
    const events = this.#pending;
    this.#pending = [];
    for (const event of events) {
      for (const listener of this.#listeners[event.event] ?? []) tell(listener, event);
      channels.get(event.event)?.publish(event);
    }
  }
}

/** A listener's fault is its own: it surfaces as an uncaught error, and everybody else is told all the same. */
function tell(listener: (event: AnyEvent) => void, event: AnyEvent): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** The code of what went wrong, as far as it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
