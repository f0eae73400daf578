/**
 * Runs the requests of one session: from the caller's arguments to a response or its content. The session in front of it is
 * names and sugar; the pipeline behind it is the way to the wire.
 */
import { newSharedController } from "../concurrency/abort.js";
import { describeError, SessionClosedError, SluiceError } from "../errors.js";
import { showUrl } from "../http/redact.js";
import { BUFFERED_TOTAL_TIMEOUT, type RequestOptions } from "./options.js";
import { Pipeline } from "./pipeline.js";
import type { ClientRequest } from "./request.js";
import { RequestHeadWriter } from "./request-head.js";
import { type Ask, RequestMaker } from "./request-maker.js";
import { contentNow, type RequestPromise, readContent } from "./request-promise.js";
import type { RequestScope, ScopeOwner } from "./request-scope.js";
import type { ClientResponse } from "./response.js";
import type { SessionConfig } from "./session-config.js";
import { placeOf, remember, warnOnce } from "./warnings.js";
import { OpenSockets } from "./websocket/open-sockets.js";

const NO_OPTIONS: RequestOptions = Object.freeze({});

/** Who waits for the outcome of a request, and in which form: a `RequestPromise`, or a call of `fetch`. */
export type Consumer = Pick<RequestPromise, "callSite" | "consumed" | "consumption" | "started">;

/** What runs behind a `ClientSession`. */
export class SessionEngine implements ScopeOwner {
  readonly config: SessionConfig;
  readonly #maker: RequestMaker;
  readonly #heads: RequestHeadWriter;
  readonly #pipeline: Pipeline;
  readonly #running = new Set<RequestScope>();
  /** WebSockets that it opened. */
  readonly sockets = new OpenSockets();
  #closed: SessionClosedError | undefined;
  #whenIdle: (() => void) | undefined;
  /** Made for those who ask; most sessions have nothing that waits between requests. */
  #closing: AbortController | undefined;
  /** Requests made so far. */
  requests = 0;

  constructor(config: SessionConfig) {
    this.config = config;
    this.#maker = new RequestMaker(config, this);
    this.#heads = new RequestHeadWriter(config.fields, config.omitted);
    this.#pipeline = this.#pipelineWith(config.stages());
  }

  get running(): number {
    return this.#running.size;
  }

  /** Why nothing new begins; undefined as long as it may. */
  get closed(): SessionClosedError | undefined {
    return this.#closed;
  }

  /** Runs a request to the outcome that `promise` is to have. Called at once; starts in a microtask. */
  async run(ask: Ask, promise: Consumer): Promise<unknown> {
    await undefined;
    const { consumption } = promise;
    promise.started();
    const options = ask.options ?? NO_OPTIONS;
    const buffered = consumption.kind !== "response" && consumption.kind !== "save";
    let request: ClientRequest | undefined;
    try {
      const loading = this.#maker.load(ask.options);
      if (loading !== undefined) await loading;
      if (this.#closed !== undefined) throw new SessionClosedError("session/closed", "The session is closed");
      request = this.#maker.make(ask, buffered);
      const { scope } = request;
      scope.callSite = promise.callSite;
      scope.ask = ask;
      this.#begin(request);
      const pipeline = this.config.changesStages(options)
        ? this.#pipelineWith(this.config.stages(options))
        : this.#pipeline;
      const sending = pipeline.send(request);
      let response = await (pipeline.hasMiddleware ? scope.race(sending) : sending);
      const redirected = pipeline.settle(request, response);
      if (redirected !== undefined) response = await redirected;
      // A final answer may have come instead of 100 (Continue): then the body was never opened.
      if (request.settings.expectContinue > 0) request.payload?.discard();
      if (this.#raises(response, options)) throw await response.toError();
      if (consumption.kind === "response") {
        scope.delivered(response.status);
        response.endsScope();
        return response;
      }
      const content = contentNow(response, consumption) ?? (await readContent(response, consumption));
      scope.delivered(response.status);
      scope.end();
      return content;
    } catch (error) {
      if (request !== undefined) endScope(request, error);
      // Whoever awaits a promise asks for its outcome in a microtask of its own: only then does V8 find the frames to show.
      await undefined;
      throw this.#failed(error, request, ask, promise);
    }
  }

  scopeBegan(scope: RequestScope): void {
    this.#running.add(scope);
  }

  /** Aborts with a `SessionClosedError` when the session begins to close: for what waits between its requests. */
  get closing(): AbortSignal {
    this.#closing ??= newSharedController();
    if (this.#closed !== undefined) this.#closing.abort(this.#closed);
    return this.#closing.signal;
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
    this.#closing?.abort(this.#closed);
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

  // Running it.

  #begin(request: ClientRequest): void {
    const { scope, settings } = request;
    this.requests += 1;
    this.#running.add(scope);
    scope.tracer?.emit("requestStart", {});
    const { total } = settings.timeouts;
    scope.begin(total ?? (settings.buffered ? BUFFERED_TOTAL_TIMEOUT : Number.POSITIVE_INFINITY), scope.startedAt);
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
  #failed(error: unknown, request: ClientRequest | undefined, ask: Ask, promise: Consumer): unknown {
    if (error instanceof SluiceError) {
      describeError(
        error,
        request?.scope.context() ?? { method: ask.method, url: shownUrl(ask.url), phase: "options" },
      );
      // Described deeper down, it has the frames of middleware only: a race is no await to V8.
      Error.captureStackTrace(error, this.#failed);
    }
    request?.scope.traceFailure(error);
    if (promise.callSite !== undefined && !promise.consumed) warnForgotten(promise, ask);
    return error;
  }
}

/** Nothing of a failed request goes on, and a body that was never sent is released. */
function endScope(request: ClientRequest, error: unknown): void {
  const { scope, payload } = request;
  scope.current?.abort(error);
  scope.end();
  payload?.discard();
}

function warnForgotten(promise: Consumer, ask: Ask): void {
  remember(promise);
  const what = `${ask.method} ${shownUrl(ask.url)} failed, and nobody awaits it`;
  warnOnce("SLUICE_REQUEST_NOT_AWAITED", placeOf(promise.callSite), what);
}

/** The URL as the caller gave it, without secrets: for errors from before it was understood. */
function shownUrl(url: string | URL): string {
  return showUrl(typeof url === "string" ? url : String(url));
}
