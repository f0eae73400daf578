/**
 * One request as the pipeline sees it: what middleware reads and changes, and what the connector writes. Everything that most
 * requests never ask for (header object, URL object, abort signal) is made when it is asked for.
 */

import type { Payload } from "../body/payload.js";
import type { ProgressListener } from "../body/progress.js";
import type { Clock } from "../concurrency/clock.js";
import { HttpHeaders } from "../http/headers.js";
import type { FieldLines } from "../http1/sinks.js";
import type { UpgradeMaker } from "../wire/link-exchange.js";
import type { CookieJar } from "./cookie-jar.js";
import type { InformationalListener } from "./forward-ask.js";
import type { AuthOptions, ResolvedTimeouts, ThrottleChoice } from "./options.js";
import type { Route } from "./proxy/route.js";
import type { Router } from "./proxy/router.js";
import type { RedirectRules } from "./redirects.js";
import type { RequestScope } from "./request-scope.js";
import type { RequestUrl } from "./request-url.js";
import type { Tracer } from "./tracing.js";

/** What of a request stays the same over its hops and attempts. */
export interface RequestSettings {
  readonly timeouts: ResolvedTimeouts;
  readonly decompress: boolean;
  /** A body in a coding that we do not know is given as it is, and not refused. */
  readonly passUnknownCodings: boolean;
  readonly maxResponseSize: number;
  readonly redirect: "follow" | "manual" | "error";
  readonly maxRedirects: number;
  readonly allowInsecureRedirect: boolean;
  /** Rules in place of the session's own. @internal */
  readonly redirects: RedirectRules | undefined;
  readonly unreadTimeout: number;
  readonly showQuery: ReadonlySet<string> | undefined;
  readonly secretFields: ReadonlySet<string> | undefined;
  /** Automatic fields that are not sent. */
  readonly omitted: ReadonlySet<string> | undefined;
  readonly parseJson: ((text: string) => unknown) | undefined;
  readonly context: unknown;
  /** Finds the way of each hop; undefined where all go straight to their origin. @internal */
  readonly router: Router | undefined;
  /** Whether an attempt includes reading the body into memory: the content shortcuts. */
  readonly buffered: boolean;
  /** The `auth` in force, the request's or the session's, and the jar: what later adds fields that tell users apart. */
  readonly auth: AuthOptions | undefined;
  readonly jar: CookieJar | undefined;
  /** What the caller said to throttles for this request. */
  readonly throttle: ThrottleChoice | undefined;
  /** Longest wait for 100 (Continue) before a body leaves, in milliseconds; 0: it is not asked for. */
  readonly expectContinue: number;
  readonly onProgress: ProgressListener | undefined;
  readonly onDownloadProgress: ProgressListener | undefined;
  /** Told of interim answers, for whoever passes the request on. @internal */
  readonly onInformational: InformationalListener | undefined;
  /** Asks for another protocol with each send, which a 101 answers (RFC 9110 §7.8). @internal */
  readonly upgrade: UpgradeMaker | undefined;
}

/** What {@link ClientRequest.with} replaces; `payload: undefined` takes the body away. */
export interface RequestChanges {
  readonly method?: string;
  readonly target?: RequestUrl;
  readonly fields?: FieldLines;
  readonly payload?: Payload | undefined;
  readonly trust?: RequestTrust;
  readonly settings?: RequestSettings;
}

/**
 * Whose secrets may go with a request: the session's, at an origin that gets its defaults (the caller's as well, then); the
 * caller's for this request, at the origin that was asked for; nobody's, once a redirect has left that origin.
 */
export type RequestTrust = "session" | "caller" | "none";

/** What middleware is given and gives on. Made by the session; middleware that wants another makes it by {@link ClientRequest.with}. */
export class ClientRequest {
  readonly method: string;
  readonly target: RequestUrl;
  readonly payload: Payload | undefined;
  readonly settings: RequestSettings;
  /** The life of the logical request: deadline, abort, and the exchange under way. @internal */
  readonly scope: RequestScope;
  readonly trust: RequestTrust;
  /** Which send this is, counting from 1 over all hops and retries. Set by the connector. */
  attempt = 0;
  /** The way it takes, unless that is straight to its origin. Set by the pipeline, for this one send. @internal */
  route: Route | undefined = undefined;
  /** Fields of the caller and the session, before the automatic ones. */
  #fields: FieldLines;
  #headers: HttpHeaders | undefined;

  constructor(
    method: string,
    target: RequestUrl,
    fields: FieldLines,
    payload: Payload | undefined,
    settings: RequestSettings,
    scope: RequestScope,
    trust: RequestTrust,
  ) {
    this.method = method;
    this.target = target;
    this.#fields = fields;
    this.payload = payload;
    this.settings = settings;
    this.scope = scope;
    this.trust = trust;
  }

  /**
   * Whether the session's secrets may go with it: its origin gets the session's defaults, and no redirect has led there from
   * another. Middleware that authenticates leaves untrusted requests alone.
   */
  get trusted(): boolean {
    return this.trust === "session";
  }

  /** The request's URL, without user info. A middleware that wants another sends {@link with} a `target`. */
  get url(): URL {
    return this.target.url;
  }

  /** Mutable: what middleware sets here is sent. Automatic fields (Host, Content-Length …) are not in it. */
  get headers(): HttpHeaders {
    this.#headers ??= HttpHeaders.fromFields(this.#fields, { secretNames: this.settings.secretFields });
    return this.#headers;
  }

  /** The field lines as they stand, without making a header object where nobody asked for one. */
  get fields(): FieldLines {
    return this.#headers === undefined ? this.#fields : this.#headers.raw;
  }

  /** Aborted when the caller, the session or a deadline ends the logical request. Pass it to whatever a middleware waits for. */
  get signal(): AbortSignal {
    return this.scope.signal;
  }

  /** What the caller gave as `context`. */
  get context(): unknown {
    return this.settings.context;
  }

  get clock(): Clock {
    return this.scope.clock;
  }

  /** Milliseconds until `timeout.total` ends the logical request; `Infinity` where there is no such limit. */
  get timeLeft(): number {
    return this.scope.dueAt - this.scope.clock.now();
  }

  /** Tells of the request while it runs; undefined while nobody listens. @internal */
  get tracer(): Tracer | undefined {
    return this.scope.tracer;
  }

  /**
   * Whether it asks for another protocol, as the handshake of a WebSocket does: then its answer, 101, is a connection of which there
   * is one, to be neither stored nor shared.
   */
  get upgrades(): boolean {
    return this.settings.upgrade !== undefined;
  }

  /** Whether sending it again is allowed by its body: there is none, or it can be opened again. */
  get replayable(): boolean {
    return this.payload === undefined || this.payload.replayable;
  }

  /** Whether it can be sent now: as {@link replayable}, or with a body that is a stream and has not been begun yet. */
  get resendable(): boolean {
    return this.replayable || this.payload?.untouched === true;
  }

  /** A request like this one with its own headers, for a hop or a retry: changes do not reach back. */
  with(changes: RequestChanges): ClientRequest {
    return new ClientRequest(
      changes.method ?? this.method,
      changes.target ?? this.target,
      changes.fields ?? [...this.fields],
      "payload" in changes ? changes.payload : this.payload,
      changes.settings ?? this.settings,
      this.scope,
      changes.trust ?? this.trust,
    );
  }

  /** Nothing secret: no body, no query values but those in `showQuery`, no values of secret fields. */
  toJSON(): Record<string, unknown> {
    const { method, target, settings, headers, attempt } = this;
    return { method, url: target.show(settings.showQuery), headers: headers.toJSON(), attempt };
  }

  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    const { headers } = this;
    return Object.assign(Object.create({ constructor: ClientRequest }), this.toJSON(), { headers });
  }
}
