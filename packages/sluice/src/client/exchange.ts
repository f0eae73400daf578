/**
 * One request and its answer on one connection: from the wish for a connection to the last byte of the body. Here meet the
 * pool (a place), the link (the wire), the body (the reader) and the clock (the limits of each phase).
 *
 * Ordered by lifetime: waiting for a connection, sending, answer, body, end. Whatever ends it, ends it once: the promise is
 * settled or the body told, the deadline is disarmed, and the connection is either given back or gone.
 */
import { Body, type BodyOutcome, type BodyOwner, type BodySource } from "../body/body.js";
import { codingsOf, decoderFor } from "../body/content-coding.js";
import { describeError, PayloadError, RequestTimeoutError, SluiceError } from "../errors.js";
import { isIdempotent } from "../http/methods.js";
import type { FieldLines } from "../http1/sinks.js";
import type { PeerInfo, Transport } from "../net/transport.js";
import type { Http1ClientLink, LinkExchange, LinkRequest } from "../wire/http1-client-link.js";
import { PhaseDeadline, type Timed, type TimedPhase, WAITED_FOR } from "./phase-deadline.js";
import { PoolWaiter } from "./pool-plan.js";
import type { ClientRequest } from "./request.js";
import type { Abortable } from "./request-scope.js";
import { ClientResponse } from "./response.js";

/** How much of an unwanted body is let by, and for how long, before closing the connection is cheaper. */
const DISCARD_BYTES = 64 * 1024;
const DISCARD_MS = 1_000;

/** What an exchange asks of the pool. */
export interface ExchangePool {
  /** Calls `granted` at once, or later, or `refused`. */
  enter(exchange: Exchange): void;
  /** The exchange waits no longer. */
  leave(exchange: Exchange): void;
  /** A reused connection turned out dead: the other idle ones to that origin are not to be trusted either. */
  distrust(exchange: Exchange): void;
  /** So many bytes of an unread body are held in memory (negative: no longer). Returns false when the pool's share is used up. */
  holdUnread(bytes: number): boolean;
  /** The exchange's connection stands still because nobody reads its body (or does so no longer). */
  stalled(exchange: Exchange, stands: boolean): void;
}

/** Makes the head that goes on the wire. */
export type HeadWriter = (request: ClientRequest) => LinkRequest;

/** Told of a response before whoever waits for it; a promise holds the response back until it is settled. */
export type HeadListener = (request: ClientRequest, response: ClientResponse) => Promise<void> | undefined;

/** Moments of an exchange, in the clock's milliseconds; 0 is "not yet". */
export interface ExchangeTimes {
  started: number;
  granted: number;
  sent: number;
  headed: number;
  ended: number;
  dns: number;
  connect: number;
  tls: number;
}

type Stage = "waiting" | "sending" | "sent" | "body" | "over";

export class Exchange extends PoolWaiter implements LinkExchange, BodySource, BodyOwner, Abortable, Timed {
  readonly request: ClientRequest;
  readonly promise: Promise<ClientResponse>;
  readonly times: ExchangeTimes = { started: 0, granted: 0, sent: 0, headed: 0, ended: 0, dns: 0, connect: 0, tls: 0 };
  readonly #pool: ExchangePool;
  readonly #writeHead: HeadWriter;
  readonly #headListener: HeadListener | undefined;
  readonly #deadline: PhaseDeadline;
  #resolve: (response: ClientResponse) => void = unset;
  #reject: (reason: unknown) => void = unset;
  #stage: Stage = "waiting";
  #link: Http1ClientLink | undefined;
  #body: Body | undefined;
  #transport: Transport | undefined;
  #response: ClientResponse | undefined;
  #replayed = false;
  #paused = false;
  #heldUnread = 0;
  #standing = false;
  #uploaded = 0;
  #endsScope = false;

  constructor(request: ClientRequest, pool: ExchangePool, writeHead: HeadWriter, headListener?: HeadListener) {
    super();
    this.request = request;
    this.#pool = pool;
    this.#writeHead = writeHead;
    this.#headListener = headListener;
    this.#deadline = new PhaseDeadline(this, request.clock);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  // Waiting for a connection.

  start(): void {
    const { scope, settings, clock } = this.request;
    if (scope.cancelled) {
      this.#fail(scope.reason);
      return;
    }
    scope.attempts += 1;
    this.request.attempt = scope.attempts;
    scope.current = this;
    this.times.started = clock.now();
    this.#deadline.limitAttempt(settings.timeouts.attempt);
    this.#pool.enter(this);
  }

  /** Whether it still wants a connection. */
  get waiting(): boolean {
    return this.#stage === "waiting";
  }

  /** The pool has put it in a queue (`queue` runs), or dials for it (`connect` runs). */
  enterPhase(phase: "queue" | "connect"): void {
    if (this.#stage !== "waiting") return;
    const { clock, settings } = this.request;
    this.#deadline.enter(phase, settings.timeouts[phase], clock.now());
  }

  granted(link: Http1ClientLink): void {
    this.#stage = "sending";
    this.#link = link;
    this.#transport = link.transport;
    this.times.granted = this.request.clock.now();
    const { tracer } = this.request;
    if (tracer !== undefined && link.exchanges > 0) {
      const address = link.transport.peer().remoteAddress;
      tracer.emit("connectionReuse", { address, exchanges: link.exchanges });
    }
    this.#uploaded = 0;
    let head: LinkRequest;
    try {
      head = this.#writeHead(this.request);
    } catch (error) {
      this.#end();
      this.#link = undefined;
      this.#reject(error);
      // Nothing was written, but the pool counts it as taken.
      link.destroy(new SluiceError("request/unsendable", "The request could not be written"));
      return;
    }
    this.#deadline.enter("write", this.request.settings.timeouts.write, this.times.granted);
    link.send(this, head);
    if (tracer !== undefined) {
      tracer.emit("requestHeadersSent", { headerNames: fieldNames(head.head), attempt: this.request.attempt });
    }
  }

  refused(error: unknown): void {
    this.#fail(error);
  }

  // Sending.

  onRequestProgress(bodyBytes: number): void {
    this.#uploaded += bodyBytes;
    const { clock, settings } = this.request;
    if (this.#stage === "sending") this.#deadline.enter("write", settings.timeouts.write, clock.now());
  }

  onRequestSent(): void {
    const { tracer, clock, settings, payload } = this.request;
    this.times.sent = clock.now();
    if (payload !== undefined) tracer?.emit("requestBodySent", { bytes: this.#uploaded });
    if (this.#stage !== "sending") return;
    this.#stage = "sent";
    this.#deadline.enter("headers", settings.timeouts.headers, this.times.sent);
  }

  // The answer.

  onInformational(status: number): void {
    this.request.tracer?.emit("informational", { status });
  }

  onHead(status: number, reason: string, version: number, bodyLength: number, fields: FieldLines): void {
    const { request, times } = this;
    this.#stage = "body";
    times.headed = request.clock.now();
    if (times.sent === 0) times.sent = times.headed;
    this.#deadline.enter("unread", request.settings.unreadTimeout, times.headed);
    request.tracer?.emit("responseHeaders", { status, attempt: request.attempt });
    const body = new Body(this);
    this.#body = body;
    const response = new ClientResponse(request, { status, reason, version, fields }, body, this);
    this.#response = response;
    const bodyless = bodyLength === 0 || request.method === "HEAD";
    try {
      this.#prepareBody(body, response, bodyless);
    } catch (error) {
      this.abort(error);
      return;
    }
    body.ownedBy(this);
    const held = this.#headListener?.(request, response);
    if (held === undefined) this.#resolve(response);
    else held.then(() => this.#resolve(response), this.#reject);
  }

  #prepareBody(body: Body, response: ClientResponse, bodyless: boolean): void {
    const { settings } = this.request;
    if (bodyless || !settings.decompress || response.contentEncoding === undefined) return;
    const codings = codingsOf(response.contentEncoding);
    if (codings.length > 0) body.decodeWith(decoderFor(codings, { maxOutputBytes: settings.maxResponseSize }));
  }

  // The body, from the wire …

  onData(piece: Uint8Array, borrowed: boolean): void {
    const body = this.#body;
    if (body === undefined) return;
    const room = body.push(piece, borrowed);
    const share = body.used || this.#hold(piece.byteLength);
    if (room && share) return;
    this.pause();
  }

  onEnd(trailers: FieldLines): void {
    this.#link = undefined;
    this.#end();
    this.#body?.finish(trailers);
  }

  onFailure(error: Error, answered: boolean): void {
    const link = this.#link;
    this.#link = undefined;
    if (!answered && link !== undefined && this.#mayReplay(link, error)) {
      this.#replayed = true;
      this.#stage = "waiting";
      this.#pool.distrust(this);
      this.#pool.enter(this);
      return;
    }
    this.#fail(error);
  }

  /** RFC 9110 §9.2.2: an idempotent request may be sent again by the client itself when the connection died under it. */
  #mayReplay(link: Http1ClientLink, error: Error): boolean {
    const { request } = this;
    const lost = error instanceof SluiceError && error.code.startsWith("connection/");
    return lost && !this.#replayed && link.exchanges > 1 && isIdempotent(request.method) && request.replayable;
  }

  // … and from its reader (BodySource, BodyOwner).

  pause(): void {
    if (this.#paused || this.#link === undefined) return;
    this.#paused = true;
    this.#link.pause();
    if (this.#body?.used !== false) return;
    this.#standing = true;
    this.#pool.stalled(this, true);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#letGo();
    this.#link?.resume();
  }

  cancel(_reason: Error | undefined): void {
    const link = this.#link;
    this.#link = undefined;
    this.#end();
    link?.abandon();
  }

  onSettled(outcome: BodyOutcome): void {
    this.#letGo();
    const bytes = this.#body?.bytesReceived ?? 0;
    if (outcome === "finished") this.request.tracer?.emit("responseBodyReceived", { bytes });
  }

  onWaiting(waiting: boolean): void {
    if (this.#stage !== "body") return;
    const { clock, settings } = this.request;
    if (!waiting) {
      this.#deadline.leavePhase(clock.now());
      return;
    }
    this.#letGo();
    this.#deadline.enter("read", settings.timeouts.read, clock.now());
    if (this.#paused) this.resume();
  }

  contentType(): string | undefined {
    return this.#response?.contentType;
  }

  charset(): string | undefined {
    return this.#response?.charset;
  }

  // The end.

  /** Ends whatever stage it is in; `reason` reaches the caller as it is. */
  abort(reason: unknown): void {
    if (this.#stage === "over") return;
    if (this.#stage === "waiting") this.#pool.leave(this);
    const link = this.#link;
    this.#link = undefined;
    this.#fail(reason);
    link?.abandon();
  }

  /** The body is not wanted: what comes at once is let by, so that the connection can be kept; for more it is closed. */
  discard(): void {
    const body = this.#body;
    if (body === undefined || body.settled) return;
    void body.discard(DISCARD_BYTES);
    if (this.#stage === "body") this.#deadline.enter("unread", DISCARD_MS, this.request.clock.now());
  }

  /** Nobody began to read the body. Whoever comes to read it now is told why it is gone. */
  giveUpUnread(why: string): void {
    const message = `The body was left unread and given up: ${why}; read, save or discard each body as soon as it is there`;
    this.abort(new PayloadError("body/unread", message, { phase: "read" }));
  }

  /** A limit has passed. */
  timedOut(phase: TimedPhase, limitMs: number): void {
    if (phase === "unread") {
      this.giveUpUnread(`nobody read it for ${limitMs} ms (unreadTimeout)`);
      return;
    }
    const message = `Timed out after ${limitMs} ms ${WAITED_FOR[phase]} (timeout.${phase})`;
    this.abort(new RequestTimeoutError(`timeout.${phase}`, message, { phase }));
  }

  get peer(): PeerInfo | undefined {
    return this.#transport?.peer();
  }

  /** The logical request ends with this exchange's body, not before. */
  endScopeAfterBody(): void {
    if (this.#stage === "over") this.request.scope.end();
    else this.#endsScope = true;
  }

  #fail(reason: unknown): void {
    this.#end();
    this.#reject(reason);
    const body = this.#body;
    if (body === undefined) return;
    if (reason instanceof SluiceError) describeError(reason, this.request.scope.context());
    body.fail(reason as Error);
  }

  #end(): void {
    if (this.#stage === "over") return;
    this.#stage = "over";
    const { clock, scope } = this.request;
    this.times.ended = clock.now();
    this.#deadline.stop();
    this.#letGo();
    if (scope.current === this) scope.current = undefined;
    if (this.#endsScope) scope.end();
  }

  #hold(bytes: number): boolean {
    this.#heldUnread += bytes;
    return this.#pool.holdUnread(bytes);
  }

  /** Its body is being read, or is over: nothing of it counts as unread any more. */
  #letGo(): void {
    if (this.#heldUnread > 0) this.#pool.holdUnread(-this.#heldUnread);
    this.#heldUnread = 0;
    if (this.#standing) this.#pool.stalled(this, false);
    this.#standing = false;
  }
}

/** The names in a written head, for traces: values may be secret. */
function fieldNames(head: string): string[] {
  const lines = head.split("\r\n").slice(1, -2);
  return lines.map((line) => line.slice(0, line.indexOf(":")));
}

function unset(): void {
  throw new Error("The promise's executor runs in the constructor");
}
