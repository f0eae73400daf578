/**
 * Runs the requests of one session: from the caller's arguments to a response or its content. The session in front of it is
 * names and sugar; the pipeline behind it is the way to the wire.
 */
import { formPayload, jsonPayload, type Payload, toPayload } from "../body/payload.js";
import { describeError, SessionClosedError, SluiceError, UsageError } from "../errors.js";
import { showUrl } from "../http/redact.js";
import { fileSize } from "../platform/file-size.js";
import type { FieldLines } from "../http1/sinks.js";
import { assertFields } from "../http1/write-head.js";
import { basicCredentials } from "./middleware/auth.js";
import {
  BUFFERED_TOTAL_TIMEOUT,
  fieldLinesOf,
  mergeTimeouts,
  paramPairs,
  type RequestOptions,
  refuseUnknown,
  requireNumber,
} from "./options.js";
import { Pipeline } from "./pipeline.js";
import { ClientRequest, type RequestSettings } from "./request.js";
import { fieldsWithout, hasField, RequestHeadWriter } from "./request-head.js";
import { checkedMethod } from "./request-method.js";
import { type RequestPromise, readContent } from "./request-promise.js";
import { RequestScope, type ScopeOwner } from "./request-scope.js";
import { parseAbsolute, RequestUrl, UrlCache } from "./request-url.js";
import type { ClientResponse } from "./response.js";
import type { SessionConfig } from "./session-config.js";
import { anyoneListens, exceptionDetails, Tracer } from "./tracing.js";
import { placeOf, remember, warnOnce } from "./warnings.js";

const KNOWN: ReadonlySet<string> = new Set<keyof RequestOptions>([
  "params",
  "headers",
  "json",
  "form",
  "body",
  "timeout",
  "signal",
  "raiseForStatus",
  "redirect",
  "maxRedirects",
  "allowInsecureRedirect",
  "decompress",
  "maxResponseSize",
  "retry",
  "throttle",
  "auth",
]);

const NO_OPTIONS: RequestOptions = Object.freeze({});
const NO_FIELDS: FieldLines = Object.freeze([]);
const EMPTY_TRACE = Object.freeze({});
const DEFAULT_UNREAD_TIMEOUT = 30_000;
const DEFAULT_MAX_REDIRECTS = 10;

/** A request as the caller asked for it. */
export interface Ask {
  readonly method: string;
  readonly url: string | URL;
  readonly options: RequestOptions | undefined;
  /** Signals beside the request's own: the session's, and those of `with`. */
  readonly signals: readonly AbortSignal[];
}

export class SessionEngine implements ScopeOwner {
  readonly config: SessionConfig;
  readonly #urls = new UrlCache();
  readonly #heads: RequestHeadWriter;
  readonly #pipeline: Pipeline;
  readonly #settings: RequestSettings;
  readonly #bufferedSettings: RequestSettings;
  readonly #running = new Set<RequestScope>();
  #closed: SessionClosedError | undefined;
  #whenIdle: (() => void) | undefined;
  /** Requests made so far. */
  requests = 0;

  constructor(config: SessionConfig) {
    this.config = config;
    this.#heads = new RequestHeadWriter(config.fields);
    this.#pipeline = this.#pipelineWith(config.stages());
    this.#settings = this.#settingsFor(NO_OPTIONS, false);
    this.#bufferedSettings = { ...this.#settings, buffered: true };
  }

  get running(): number {
    return this.#running.size;
  }

  /** Runs a request to the outcome that `promise` is to have. Called at once; starts in a microtask. */
  async run(ask: Ask, promise: RequestPromise): Promise<unknown> {
    await undefined;
    const { consumption } = promise;
    promise.started();
    const options = ask.options ?? NO_OPTIONS;
    const buffered = consumption.kind !== "response" && consumption.kind !== "save";
    let request: ClientRequest | undefined;
    try {
      request = this.#prepare(ask, options, buffered);
      const { scope } = request;
      scope.callSite = promise.callSite;
      this.#begin(request);
      const pipeline = this.config.changesStages(options)
        ? this.#pipelineWith(this.config.stages(options))
        : this.#pipeline;
      const sending = pipeline.send(request);
      let response = await (pipeline.hasMiddleware ? scope.race(sending) : sending);
      const redirected = pipeline.settle(request, response);
      if (redirected !== undefined) response = await redirected;
      if (this.#raises(response, options)) throw await response.toError();
      if (consumption.kind === "response") {
        scope.delivered(response.status);
        response.endsScope();
        return response;
      }
      const content = await readContent(response, consumption);
      scope.delivered(response.status);
      scope.end();
      return content;
    } catch (error) {
      throw this.#failed(error, request, ask, promise);
    }
  }

  scopeEnded(scope: RequestScope): void {
    this.#running.delete(scope);
    if (this.#running.size > 0) return;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }

  /** Refuses new requests; resolves when those that run have ended. */
  drain(): Promise<void> {
    this.#closed ??= new SessionClosedError("session/closed", "The session is closed");
    return new Promise((resolve) => {
      if (this.#running.size === 0) resolve();
      else this.#whenIdle = resolve;
    });
  }

  /** Ends every request that runs. */
  abortAll(): void {
    for (const scope of [...this.#running]) {
      scope.cancel(new SessionClosedError("session/closed", "The session was closed while the request ran"));
    }
  }

  // From arguments to a request.

  #prepare(ask: Ask, options: RequestOptions, buffered: boolean): ClientRequest {
    const { config } = this;
    if (this.#closed !== undefined) throw new SessionClosedError("session/closed", "The session is closed");
    const plain = ask.options === undefined;
    if (!plain) refuseUnknown("request", options, KNOWN);
    const target = this.#targetOf(ask.url, options);
    const trusted = config.trusts(target.origin);
    const settings = plain
      ? buffered
        ? this.#bufferedSettings
        : this.#settings
      : this.#settingsFor(options, buffered);
    const signals = options.signal === undefined ? ask.signals : [...ask.signals, options.signal];
    const method = checkedMethod(ask.method);
    const scope = new RequestScope(config.connector.clock, this, signals, {
      method,
      target,
      showQuery: config.showQuery,
    });
    if (config.trace !== undefined || anyoneListens()) {
      scope.tracer = new Tracer(config.trace ?? EMPTY_TRACE, scope.clock, method, target.show(config.showQuery));
    }
    const payload = plain ? undefined : payloadOf(options);
    const fields = this.#fieldsOf(target, options, trusted);
    return new ClientRequest(method, target, fields, payload, settings, scope, trusted);
  }

  #targetOf(input: string | URL, options: RequestOptions): RequestUrl {
    const { baseUrl, params, options: session } = this.config;
    const given = typeof input === "string" ? input : input.href;
    const plain = options.params === undefined && params.length === 0;
    if (plain && baseUrl === undefined) return this.#urls.parse(given);
    const url = parseAbsolute(given, baseUrl);
    if (session.allowAbsoluteUrls === false && url.origin !== baseUrl?.origin) {
      throw new UsageError(
        "url/absolute",
        `Cannot request ${url.origin}: this session is held to ${baseUrl?.origin} (allowAbsoluteUrls)`,
      );
    }
    const defaults = this.config.trusts(url.origin) ? params : [];
    const own = options.params === undefined ? [] : [...paramPairs(options.params)];
    for (const [name, value] of defaults) {
      if (!own.some(([ownName]) => ownName === name) && !url.searchParams.has(name))
        url.searchParams.append(name, value);
    }
    for (const [name, value] of own) url.searchParams.append(name, value);
    return new RequestUrl(url);
  }

  #fieldsOf(target: RequestUrl, options: RequestOptions, trusted: boolean): FieldLines {
    const defaults = trusted ? this.config.fields : NO_FIELDS;
    let fields = defaults;
    if (options.headers !== undefined) {
      const own = fieldLinesOf(options.headers);
      assertFields(own);
      fields = [...fieldsWithout(defaults, (name) => hasField(own, name)), ...own];
    }
    const { userInfo } = target;
    if (userInfo === undefined || hasField(fields, "authorization")) return fields;
    return [...fields, "authorization", basicCredentials(userInfo.username, userInfo.password)];
  }

  #settingsFor(options: RequestOptions, buffered: boolean): RequestSettings {
    const { options: session, timeouts, showQuery, secretFields } = this.config;
    const { redirect = session.redirect ?? "follow", maxRedirects = session.maxRedirects ?? DEFAULT_MAX_REDIRECTS } =
      options;
    const { maxResponseSize = session.maxResponseSize ?? Number.POSITIVE_INFINITY } = options;
    requireNumber("maxRedirects", maxRedirects, 0, Number.POSITIVE_INFINITY);
    requireNumber("maxResponseSize", maxResponseSize, 0, Number.POSITIVE_INFINITY);
    return {
      timeouts: mergeTimeouts(timeouts, options.timeout),
      decompress: options.decompress ?? session.decompress ?? true,
      maxResponseSize,
      redirect,
      maxRedirects,
      allowInsecureRedirect: options.allowInsecureRedirect ?? session.allowInsecureRedirect ?? false,
      unreadTimeout: session.unreadTimeout ?? DEFAULT_UNREAD_TIMEOUT,
      showQuery,
      secretFields,
      buffered,
    };
  }

  // Running it.

  #begin(request: ClientRequest): void {
    const { scope, settings } = request;
    this.requests += 1;
    this.#running.add(scope);
    scope.tracer?.emit("requestStart", {});
    const { total } = settings.timeouts;
    scope.begin(total ?? (settings.buffered ? BUFFERED_TOTAL_TIMEOUT : Number.POSITIVE_INFINITY));
  }

  #pipelineWith(stages: ReturnType<SessionConfig["stages"]>): Pipeline {
    const { connector, jar } = this.config;
    return new Pipeline({ pool: connector.pool, heads: this.#heads, jar, ...stages });
  }

  #raises(response: ClientResponse, options: RequestOptions): boolean {
    const rule = options.raiseForStatus ?? this.config.options.raiseForStatus ?? false;
    return typeof rule === "function" ? rule(response) : rule && response.status >= 400;
  }

  /** The error as the caller is to see it: described, with the caller's frames; the caller's own reasons as they are. */
  #failed(error: unknown, request: ClientRequest | undefined, ask: Ask, promise: RequestPromise): unknown {
    if (error instanceof SluiceError) {
      describeError(error, request?.scope.context() ?? { method: ask.method, url: shownUrl(ask.url), phase: "options" });
      // Described deeper down, it has the frames of middleware only: a race is no await to V8.
      Error.captureStackTrace(error, this.#failed);
    }
    if (request !== undefined) endScope(request, error);
    if (promise.callSite !== undefined) {
      // `await` takes a promise in a microtask of its own, which may be still to come.
      queueMicrotask(() => warnIfForgotten(promise, ask));
    }
    return error;
  }
}

/** Nothing of a failed request goes on, and a body that was never sent is released. */
function endScope(request: ClientRequest, error: unknown): void {
  const { scope, payload } = request;
  scope.current?.abort(error);
  scope.end();
  payload?.discard();
  scope.tracer?.emit("requestException", exceptionDetails(error, scope.clock.now() - scope.startedAt));
}

function warnIfForgotten(promise: RequestPromise, ask: Ask): void {
  if (promise.consumed) return;
  remember(promise);
  const what = `${ask.method} ${shownUrl(ask.url)} failed, and nobody awaits it`;
  warnOnce("SLUICE_REQUEST_NOT_AWAITED", placeOf(promise.callSite), what);
}

/** The body that the options ask for. Throws `UsageError` for more than one. */
function payloadOf(options: RequestOptions): Payload | undefined {
  const { json, form, body } = options;
  const given = Number(json !== undefined) + Number(form !== undefined) + Number(body !== undefined);
  if (given > 1)
    throw new UsageError("options/body", "Cannot send more than one body: give one of json, form and body");
  if (json !== undefined) return jsonPayload(json);
  if (form !== undefined) return formPayload(paramPairs(form));
  return body === undefined ? undefined : toPayload(body, { fileSize });
}

/** The URL as the caller gave it, without secrets: for errors from before it was understood. */
function shownUrl(url: string | URL): string {
  return showUrl(typeof url === "string" ? url : url.href);
}
