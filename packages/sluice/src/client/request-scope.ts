/**
 * The life of one logical request, over its redirects and retries: it begins when the request starts and ends when the body of
 * its final response has been dealt with. It owns the `total` deadline, listens to the caller's signal for just that long, and
 * passes an abort to whatever is under way: the exchange on the wire, and anything waiting on {@link RequestScope.signal}.
 */
import { onAbort } from "../concurrency/abort.js";
import type { Clock } from "../concurrency/clock.js";
import { Deadline } from "../concurrency/deadline.js";
import { type RequestContext, RequestTimeoutError } from "../errors.js";
import type { Ask } from "./request-maker.js";
import type { RequestUrl } from "./request-url.js";
import { codeOf, type Tracer } from "./tracing.js";
import type { CallSite } from "./warnings.js";

/** What a scope can stop: the exchange under way. */
export interface Abortable {
  /** Ends it at once with `reason`, which is thrown as it is. */
  abort(reason: unknown): void;
  /** The request is over, and nobody has taken what this had brought. */
  scopeEnded?(): void;
}

/** What is said of a try to come: which it is, after how many milliseconds, and why. */
export interface RetryNotice {
  readonly attempt: number;
  readonly delay: number;
  readonly reason: string;
}

/** Told when a scope ends. */
export interface ScopeOwner {
  /** A scope that the owner has not made itself has begun. */
  scopeBegan(scope: RequestScope): void;
  scopeEnded(scope: RequestScope): void;
}

/** One logical request's life. As a deadline it is its own `total` time-out. */
export class RequestScope extends Deadline {
  readonly clock: Clock;
  readonly method: string;
  readonly target: RequestUrl;
  readonly #owner: ScopeOwner;
  readonly #signals: readonly AbortSignal[];
  /** Made only for requests that have a signal. */
  #stopListening: (() => void)[] | undefined;
  readonly #showQuery: ReadonlySet<string> | undefined;
  readonly startedAt: number;
  tracer: Tracer | undefined = undefined;
  /** Where the request was made; development only. */
  callSite: CallSite | undefined = undefined;
  /** How the caller asked. Set by the session. */
  ask: Ask | undefined = undefined;
  /** Sends so far, over all hops and retries. */
  attempts = 0;
  /** Told when it is going to be tried again; set by a logger. */
  onRetry: ((retry: RetryNotice) => void) | undefined = undefined;
  /** What an abort has to stop. */
  current: Abortable | undefined = undefined;
  #state: "running" | "cancelled" | "ended" = "running";
  #reason: unknown;
  #controller: AbortController | undefined;
  #waiting: ((reason: unknown) => void) | undefined;
  #totalMs = Number.POSITIVE_INFINITY;
  /** The status that the caller was given, from when on only the body is left; 0 before. */
  #deliveredStatus = 0;

  constructor(
    clock: Clock,
    owner: ScopeOwner,
    signals: readonly AbortSignal[],
    request: { method: string; target: RequestUrl; showQuery: ReadonlySet<string> | undefined },
  ) {
    super();
    this.clock = clock;
    this.#owner = owner;
    this.#signals = signals;
    this.method = request.method;
    this.target = request.target;
    this.#showQuery = request.showQuery;
    this.startedAt = clock.now();
  }

  /**
   * Arms `total` and starts to listen. Throws the reason of a signal that is aborted already. `now`: the clock's, where the caller
   * has just had a look.
   */
  begin(totalMs: number, now = this.clock.now()): void {
    for (const signal of this.#signals) {
      if (signal.aborted) {
        this.end();
        throw signal.reason;
      }
    }
    if (this.#signals.length > 0) this.#listen();
    this.#totalMs = totalMs;
    if (totalMs !== Number.POSITIVE_INFINITY) this.clock.arm(this, totalMs, false, now);
  }

  /**
   * A scope for work that this request leaves behind: the same owner, but neither this request's end nor its caller's signals end
   * it. Armed with `totalMs`; whoever asked for it calls `end`.
   */
  detached(totalMs: number): RequestScope {
    const { method, target } = this;
    const scope = new RequestScope(this.clock, this.#owner, [], { method, target, showQuery: this.#showQuery });
    this.#owner.scopeBegan(scope);
    scope.begin(totalMs);
    return scope;
  }

  #listen(): void {
    this.#stopListening = this.#signals.map((signal) => onAbort(signal, (reason) => this.cancel(reason)));
  }

  /** `total` has passed. */
  override expire(): void {
    const message = `Timed out after ${this.#totalMs} ms in all (timeout.total)`;
    this.cancel(new RequestTimeoutError("timeout.total", message, { phase: "total" }));
  }

  get cancelled(): boolean {
    return this.#state === "cancelled";
  }

  /** Why it was cancelled. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Stops whatever the request is doing; it rejects with `reason` itself. */
  cancel(reason: unknown): void {
    if (this.#state !== "running") return;
    this.#state = "cancelled";
    this.#reason = reason;
    this.#release();
    const { current } = this;
    this.current = undefined;
    current?.abort(reason);
    this.#controller?.abort(reason);
    this.#waiting?.(reason);
    this.#traceEnd(reason);
    this.#owner.scopeEnded(this);
  }

  /** The caller has what was asked for, or a response whose body is still to come: from now on the scope tells of its own end. */
  delivered(status: number): void {
    this.#deliveredStatus = status;
  }

  /** The request is over: nothing of it may fire or listen any more. `failure`: what broke the body off. Idempotent. */
  end(failure?: unknown): void {
    if (this.#state !== "running") return;
    this.#state = "ended";
    this.#release();
    this.current?.scopeEnded?.();
    this.current = undefined;
    this.#traceEnd(failure);
    this.#owner.scopeEnded(this);
  }

  /** For middleware: aborted when the scope is cancelled. Made when first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state === "cancelled") this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** `work`'s result, or the reason of a cancellation that comes first: a middleware that waits for nothing of ours still ends. */
  async race<T>(work: Promise<T>): Promise<T> {
    if (this.#state === "cancelled") {
      // Whoever cancelled is being told; what becomes of the abandoned work has no listener.
      work.catch(() => undefined);
      throw this.#reason;
    }
    const cancelled = new Promise<never>((_resolve, reject) => {
      this.#waiting = reject;
    });
    try {
      return await Promise.race([work, cancelled]);
    } finally {
      this.#waiting = undefined;
    }
  }

  /** What an error of this request should say. */
  context(): RequestContext {
    return {
      method: this.method,
      url: this.target.show(this.#showQuery),
      attempt: Math.max(this.attempts, 1),
      elapsed: Math.round(this.clock.now() - this.startedAt),
    };
  }

  /** Tells of the error that the caller gets in place of what was asked for. */
  traceFailure(error: unknown): void {
    const { attempts } = this;
    const elapsed = this.clock.now() - this.startedAt;
    this.tracer?.emit("requestException", { error, code: codeOf(error), attempts, elapsed });
  }

  #traceEnd(failure: unknown): void {
    const status = this.#deliveredStatus;
    if (status === 0) return;
    if (failure !== undefined) this.traceFailure(failure);
    else {
      const { attempts } = this;
      this.tracer?.emit("requestEnd", { status, attempts, elapsed: this.clock.now() - this.startedAt });
    }
  }

  #release(): void {
    this.clock.disarm(this);
    if (this.#stopListening === undefined) return;
    for (const stop of this.#stopListening) stop();
    this.#stopListening = undefined;
  }
}
