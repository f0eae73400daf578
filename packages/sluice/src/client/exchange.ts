/**
 * One request and its answer on one connection: from the wish for a connection to the last byte of the body. Here meet the
 * pool (a place), the link (the wire), the body (the reader) and the clock (the limits of each phase).
 *
 * Ordered by lifetime: waiting for a connection, sending, answer, end; the answer's body is in `exchange-body.ts`. Whatever ends
 * it, ends it once: the promise is settled or the body told, the deadline is disarmed, and the connection is either given back
 * or gone.
 */
import { Body } from "../body/body.js";
import type { ProgressMeter } from "../body/progress.js";
import { describeError, RequestTimeoutError, SluiceError } from "../errors.js";
import type { FieldLines } from "../http1/sinks.js";
import type { PeerInfo, Transport } from "../net/transport.js";
import type { Http1ClientLink } from "../wire/http1-client-link.js";
import type { LinkExchange, LinkRequest } from "../wire/link-exchange.js";
import { ExchangeBody } from "./exchange-body.js";
import type { ExchangePool, ExchangeTimes, HeadListener, HeadWriter } from "./exchange-pool.js";
import { type TimedPhase, WAITED_FOR } from "./phase-deadline.js";
import { isRedirect } from "./redirects.js";
import { mayReplay } from "./replay.js";
import type { ClientRequest } from "./request.js";
import type { Abortable } from "./request-scope.js";
import { ClientResponse } from "./response.js";
import { tellHead } from "./tell-head.js";
import { tellSending } from "./tell-sending.js";
import { type TakenConnection, UpgradedConnection } from "./upgraded-connection.js";

const CONTINUE = 100;
const SWITCHING_PROTOCOLS = 101;

type Stage = "waiting" | "sending" | "sent" | "body" | "over";

/** One send of one request. Made for each hop and each attempt. */
export class Exchange extends ExchangeBody implements LinkExchange, Abortable {
  readonly promise: Promise<ClientResponse>;
  readonly times: ExchangeTimes = { started: 0, granted: 0, sent: 0, headed: 0, ended: 0, dns: 0, connect: 0, tls: 0 };
  readonly #writeHead: HeadWriter;
  readonly #headListener: HeadListener | undefined;
  #resolve: (response: ClientResponse) => void = unset;
  #reject: (reason: unknown) => void = unset;
  #stage: Stage = "waiting";
  #head: LinkRequest | undefined;
  #peer: PeerInfo | undefined;
  #replayed = false;
  /** The pool is being asked, in the very turn in which the exchange began. */
  #entering = false;
  /** The link is being handed the request: what leaves now leaves at `times.granted`. */
  #handing = false;
  /** The body waits for 100 (Continue). */
  #holdsBody = false;
  #uploadedBytes = 0;
  /** What the transport held when the limit on writing began. */
  #heldBytes = 0;
  #upload: ProgressMeter | undefined = undefined;
  #endsScope = false;
  /** What a 101 left behind, until it is taken. */
  #upgraded: UpgradedConnection | undefined = undefined;

  constructor(request: ClientRequest, pool: ExchangePool, writeHead: HeadWriter, headListener?: HeadListener) {
    super(request, pool);
    this.#writeHead = writeHead;
    this.#headListener = headListener;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  // Waiting for a connection.

  /** Asks for a connection; a request that cannot be written takes none. */
  start(): void {
    const { scope, settings, clock } = this.request;
    try {
      if (scope.cancelled) throw scope.reason;
      this.#head = this.#writeHead(this.request);
    } catch (error) {
      this.#fail(error);
      return;
    }
    scope.attempts += 1;
    this.request.attempt = scope.attempts;
    scope.current = this;
    this.times.started = clock.now();
    this.deadline.limitAttempt(settings.timeouts.attempt);
    this.#entering = true;
    this.pool.enter(this);
    this.#entering = false;
  }

  /** Whether it still wants a connection. */
  get waiting(): boolean {
    return this.#stage === "waiting";
  }

  /** The pool has no place for it yet: `queue` runs. */
  queued(): void {
    const { clock, settings } = this.request;
    this.deadline.enter("queue", settings.timeouts.queue, clock.now());
  }

  /** A connection is being made for it. The dial has its own limit, for it may come to serve another. */
  connecting(): void {
    if (this.#stage === "waiting") this.deadline.leavePhase(this.request.clock.now());
  }

  /** The connection is there, and the request leaves. */
  granted(link: Http1ClientLink): void {
    const { request, times } = this;
    const { clock, settings, tracer } = request;
    const head = this.#head;
    if (head === undefined) return;
    this.#stage = "sending";
    this.link = link;
    times.granted = this.#entering ? times.started : clock.now();
    times.sent = 0;
    this.#uploadedBytes = 0;
    if (settings.onProgress !== undefined) this.#upload = this.meter(settings.onProgress, request.payload?.length);
    if (tracer !== undefined) tellSending(tracer, request, link, head.head);
    this.#handing = true;
    link.send(this, head);
    this.#handing = false;
    if (!this.#isSending()) return;
    // What did not leave at once is on its way, and may stand still, or waits to be asked for.
    if (head.expectsContinue === true) this.#awaitContinue(times.granted);
    else this.deadline.enter("write", settings.timeouts.write, times.granted);
  }

  /** An answer of whatever kind is due within `timeout.headers`; without one, the body leaves after `expectContinue`. */
  #awaitContinue(now: number): void {
    const { expectContinue, timeouts } = this.request.settings;
    this.#holdsBody = true;
    if (expectContinue <= timeouts.headers) this.deadline.enter("continue", expectContinue, now);
    else this.deadline.enter("headers", timeouts.headers, now);
  }

  /** The body was held back, and has been let go. */
  #goOnSending(): void {
    if (this.#holdsBody && this.#stage === "sending") this.#writeOn();
    this.#holdsBody = false;
  }

  #isSending(): boolean {
    return this.#stage === "sending";
  }

  /** There will be no connection. */
  refused(error: unknown): void {
    this.#fail(error);
  }

  // Sending.

  onRequestProgress(bodyBytes: number): void {
    this.#uploadedBytes += bodyBytes;
    if (this.#upload !== undefined) this.report(this.#upload, bodyBytes);
    // A small body leaves whole with its head: then this is its end, and no limit on the way to it is to be moved.
    if (this.#stage === "sending" && !this.#handing) this.#writeOn();
  }

  onRequestSent(): void {
    const { tracer, clock, settings, payload, attempt } = this.request;
    this.times.sent = this.#handing ? this.times.granted : clock.now();
    if (payload !== undefined) tracer?.emit("requestBodySent", { bytes: this.#uploadedBytes, attempt });
    if (this.#upload !== undefined) this.report(this.#upload, undefined);
    if (this.#stage !== "sending") return;
    this.#stage = "sent";
    this.deadline.enter("headers", settings.timeouts.headers, this.times.sent);
  }

  // The answer.

  onInformational(status: number, _reason: string, fields: FieldLines): void {
    if (status === CONTINUE) this.#goOnSending();
    const { tracer, attempt, settings } = this.request;
    settings.onInformational?.(status, fields);
    tracer?.emit("informational", { status, attempt });
  }

  onHead(status: number, reason: string, version: number, bodyLength: number, fields: FieldLines): void {
    const { request, times } = this;
    const { settings } = request;
    this.#stage = "body";
    times.headed = request.clock.now();
    if (times.sent === 0) times.sent = times.headed;
    // One attempt includes the body only where the body is what was asked for.
    if (!settings.buffered) this.deadline.endAttempt();
    this.deadline.enter("unread", settings.unreadTimeout, times.headed);
    const head = { status, reason, version, fields };
    if (request.tracer !== undefined) tellHead(request.tracer, head, request.attempt);
    this.#peer = this.link?.transport.peer();
    const body = new Body(this);
    const response = new ClientResponse(request, head, body, this);
    this.body = body;
    this.response = response;
    const refusal = status === SWITCHING_PROTOCOLS ? this.#head?.upgrade?.faultOf(fields) : undefined;
    if (refusal !== undefined) {
      this.abort(refusal);
      return;
    }
    const length = request.method === "HEAD" ? 0 : bodyLength;
    const fault = this.prepare(body, response, length);
    body.ownedBy(this);
    if (settings.onDownloadProgress !== undefined && !(settings.redirect === "follow" && isRedirect(response))) {
      this.download = this.meter(settings.onDownloadProgress, length < 0 ? undefined : length);
    }
    const held = this.#headListener?.(request, response);
    if (held === undefined) this.#resolve(response);
    else held.then(() => this.#resolve(response), this.#reject);
    // The answer is there, and its body cannot be read: whoever tries is told.
    if (fault !== undefined) this.abort(fault);
  }

  onEnd(trailers: FieldLines): void {
    this.link = undefined;
    this.downloaded();
    const { tracer, attempt } = this.request;
    tracer?.emit("responseBodyReceived", { bytes: this.body?.bytesReceived ?? 0, attempt });
    this.end();
    this.body?.finish(trailers);
  }

  /** The answer was 101: what is left of the exchange is a connection, for {@link takeUpgraded}. */
  onUpgrade(transport: Transport, rest: Uint8Array): void {
    const { request, times } = this;
    this.link = undefined;
    this.deadline.stop();
    times.ended = times.headed;
    this.#upgraded = new UpgradedConnection(transport, rest);
    this.body?.finish([]);
    const { remoteAddress: address, remotePort: port } = transport.peer();
    request.tracer?.emit("connectionUpgraded", { address, port, attempt: request.attempt });
  }

  /** The connection that this exchange's 101 left behind, once; the exchange is over with that. */
  takeUpgraded(): TakenConnection | undefined {
    const taken = this.#upgraded?.take();
    if (taken !== undefined) this.end();
    return taken;
  }

  /** As {@link ExchangeBody.discard}; a connection that nobody took is closed. */
  override discard(): void {
    super.discard();
    if (this.#upgraded === undefined) return;
    this.#upgraded.drop();
    this.end();
  }

  scopeEnded(): void {
    this.#upgraded?.drop();
  }

  onFailure(error: Error, answered: boolean): void {
    const { link } = this;
    this.link = undefined;
    if (!answered && !this.#replayed && link !== undefined && mayReplay(this.request, link, error)) {
      this.#replayed = true;
      this.#stage = "waiting";
      // RFC 6455 §4.1: a nonce for each connection.
      if (this.#head?.upgrade !== undefined) this.#head = this.#writeHead(this.request);
      this.pool.distrust(this);
      this.pool.enter(this);
      return;
    }
    this.#fail(error);
  }

  // The end.

  abort(reason: unknown): void {
    if (this.#stage === "over") return;
    if (this.#stage === "waiting") this.pool.leave(this);
    const { link } = this;
    this.link = undefined;
    this.#fail(reason);
    link?.abandon();
    this.#upgraded?.drop();
  }

  /** A limit has passed. */
  timedOut(phase: TimedPhase, limitMs: number): void {
    if (phase === "unread") {
      this.giveUpUnread(`nobody read it for ${limitMs} ms (unreadTimeout)`);
      return;
    }
    if (phase === "continue") {
      this.link?.sendHeldBody();
      this.#goOnSending();
      return;
    }
    if (phase === "write" && (this.link?.awaitsSource === true || this.#peerTakes())) {
      // The peer would take more, if the caller's source had it; or it does, if slowly.
      this.#writeOn();
      return;
    }
    const message = `Timed out after ${limitMs} ms ${WAITED_FOR[phase]} (timeout.${phase})`;
    this.abort(new RequestTimeoutError(`timeout.${phase}`, message, { phase }));
  }

  /** Who answered; undefined before. */
  get peer(): PeerInfo | undefined {
    return this.#peer;
  }

  /** The logical request ends with this exchange's body, not before. */
  endScopeAfterBody(): void {
    if (this.#stage === "over") this.request.scope.end();
    else this.#endsScope = true;
  }

  protected end(failure?: unknown): void {
    if (this.#stage === "over") return;
    this.#stage = "over";
    const { clock, scope } = this.request;
    this.times.ended = clock.now();
    this.deadline.stop();
    this.letGo();
    if (scope.current === this) scope.current = undefined;
    if (this.#endsScope) scope.end(failure);
  }

  #fail(reason: unknown): void {
    const { body } = this;
    if (body !== undefined && reason instanceof SluiceError) describeError(reason, this.request.scope.context());
    this.end(reason);
    this.#reject(reason);
    body?.fail(reason as Error);
  }

  #writeOn(): void {
    const { clock, settings } = this.request;
    this.#heldBytes = this.link?.transport.bufferedBytes ?? 0;
    this.deadline.enter("write", settings.timeouts.write, clock.now());
  }

  /** Of the large write that is under way, since the limit on it began. */
  #peerTakes(): boolean {
    return (this.link?.transport.bufferedBytes ?? 0) < this.#heldBytes;
  }
}

function unset(): void {
  throw new Error("The promise's executor runs in the constructor");
}
