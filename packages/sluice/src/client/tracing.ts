/**
 * What a request tells of itself while it runs: to the session's `trace` listeners and to `node:diagnostics_channel` as
 * `sluice:client:<event>`. While nobody listens there is no tracer, and nothing is made or measured for one.
 *
 * Events are delivered in order from a microtask of their own, never from within the engine's handling of a packet: a listener
 * may do what it likes, and one that throws surfaces as an uncaught error of its own without touching the request.
 */

import type { Clock } from "../concurrency/clock.js";
import type { RequestContext, SluiceError } from "../errors.js";
import type { TlsInfo } from "../net/transport.js";
import { type DiagnosticsChannel, diagnosticsChannel } from "../platform/diagnostics.js";

/** What each event carries beside the fields of {@link TraceEvent}. No value in it is secret. */
export interface ClientTraceDetails {
  readonly requestStart: object;
  readonly queueStart: object;
  readonly queueEnd: object;
  readonly dnsStart: { readonly host: string };
  readonly dnsEnd: { readonly host: string; readonly addresses: readonly string[] };
  readonly dnsCacheHit: { readonly host: string };
  readonly dnsCacheMiss: { readonly host: string };
  readonly connectStart: { readonly host: string; readonly address: string; readonly port: number };
  readonly connectEnd: { readonly host: string; readonly address: string; readonly port: number };
  readonly tlsStart: { readonly host: string };
  readonly tlsEnd: { readonly host: string; readonly tls: TlsInfo };
  readonly connectionReuse: { readonly address: string | undefined; readonly exchanges: number };
  /** Names only: values may be secret. */
  readonly requestHeadersSent: { readonly headerNames: readonly string[]; readonly attempt: number };
  readonly requestBodySent: { readonly bytes: number };
  readonly informational: { readonly status: number };
  readonly responseHeaders: { readonly status: number; readonly attempt: number };
  readonly responseBodyReceived: { readonly bytes: number };
  readonly requestRedirect: { readonly status: number; readonly to: string };
  readonly requestRetry: { readonly attempt: number; readonly delay: number; readonly reason: string };
  readonly requestThrottled: { readonly delay: number; readonly scope: string };
  readonly requestEnd: { readonly status: number; readonly elapsed: number };
  readonly requestException: { readonly error: unknown; readonly code: string | undefined; readonly elapsed: number };
}

/** The events there are. */
export type ClientTraceName = keyof ClientTraceDetails;

/** What a listener is given. */
export type TraceEvent<Name extends ClientTraceName> = ClientTraceDetails[Name] & {
  readonly event: Name;
  /** Counts the requests of this process, so that a request's events can be told apart. */
  readonly id: number;
  readonly method: string;
  /** Query values shown as `…` unless `showQuery` names them. */
  readonly url: string;
  /** Monotonic milliseconds, comparable between events only. */
  readonly time: number;
};

/** Listeners by event. */
export type ClientTrace = { readonly [Name in ClientTraceName]?: (event: TraceEvent<Name>) => void };

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

/** Throws nothing; names of listeners nobody will ever call are found here: returns the first unknown one. */
export function unknownTraceName(trace: ClientTrace): string | undefined {
  return Object.keys(trace).find((name) => !(NAMES as readonly string[]).includes(name));
}

/** Speaks for one logical request. */
export class Tracer {
  readonly id: number;
  readonly #trace: ClientTrace;
  readonly #clock: Clock;
  readonly #method: string;
  readonly #url: string;
  #pending: AnyEvent[] = [];

  constructor(trace: ClientTrace, clock: Clock, method: string, url: string) {
    lastId += 1;
    this.id = lastId;
    this.#trace = trace;
    this.#clock = clock;
    this.#method = method;
    this.#url = url;
  }

  /** Whether anybody listens to `name`: for details that cost something to make. */
  hears(name: ClientTraceName): boolean {
    return this.#trace[name] !== undefined || channels.get(name)?.hasSubscribers === true;
  }

  emit<Name extends ClientTraceName>(name: Name, details: ClientTraceDetails[Name]): void {
    if (!this.hears(name)) return;
    const { id } = this;
    const event = { event: name, id, method: this.#method, url: this.#url, time: this.#clock.now(), ...details };
    this.#pending.push(event as unknown as AnyEvent);
    if (this.#pending.length === 1) queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    const events = this.#pending;
    this.#pending = [];
    for (const event of events) {
      const listener = this.#trace[event.event] as ((event: AnyEvent) => void) | undefined;
      try {
        listener?.(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
      channels.get(event.event)?.publish(event);
    }
  }
}

/** The details of a failure for `requestException`: the error is described, hence free of secrets. */
export function exceptionDetails(error: unknown, elapsed: number): ClientTraceDetails["requestException"] {
  const code = (error as (SluiceError & RequestContext) | undefined)?.code;
  return { error, code: typeof code === "string" ? code : undefined, elapsed };
}
