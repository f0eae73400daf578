/**
 * The second half of an exchange: the body of its answer, between the link that brings it and the reader who wants it. Nobody
 * may want it for a while, or ever: what is held unread is accounted for with the pool, and a connection that stands still
 * because of it is given up when others need its place, or when `unreadTimeout` has passed.
 */
import type { Body, BodyOwner, BodySource } from "../body/body.js";
import { tooLarge } from "../body/collect.js";
import { codingsOf, decoderFor } from "../body/content-coding.js";
import { type ProgressListener, ProgressMeter } from "../body/progress.js";
import { describeError, PayloadError, type SluiceError } from "../errors.js";
import type { Http1ClientLink } from "../wire/http1-client-link.js";
import type { ExchangePool } from "./exchange-pool.js";
import { BUFFERED_MAX_SIZE } from "./options.js";
import { PhaseDeadline, type Timed, type TimedPhase } from "./phase-deadline.js";
import { PoolWaiter } from "./pool-plan.js";
import type { ClientRequest } from "./request.js";
import type { ClientResponse } from "./response.js";
import type { Standing } from "./unread-bodies.js";
import { placeOf, warnOnce } from "./warnings.js";

/** How much of an unwanted body is let by, and for how long, before closing the connection is cheaper. */
const DISCARD_BYTES = 64 * 1024;
const DISCARD_MS = 1_000;

/** What its reader is doing; `discarding`: what comes is let by. */
type Reading = "no" | "yes" | "discarding";

/** Base of `Exchange`, which has the first half. */
export abstract class ExchangeBody extends PoolWaiter implements BodySource, BodyOwner, Standing, Timed {
  readonly request: ClientRequest;
  protected readonly pool: ExchangePool;
  protected readonly deadline: PhaseDeadline;
  /** The connection, from the grant until the exchange has no more to do with it. */
  protected link: Http1ClientLink | undefined = undefined;
  protected body: Body | undefined = undefined;
  protected response: ClientResponse | undefined = undefined;
  /** Most bytes to take from the wire. Infinity where a decoder counts what it makes of them. */
  #maxWireBytes = Number.POSITIVE_INFINITY;
  /** Only where somebody wants to know. */
  protected download: ProgressMeter | undefined = undefined;
  #reading: Reading = "no";
  #paused = false;
  #heldBytes = 0;
  #standing = false;

  constructor(request: ClientRequest, pool: ExchangePool) {
    super();
    this.request = request;
    this.pool = pool;
    this.deadline = new PhaseDeadline(this, request.clock);
  }

  /** Ends whatever stage it is in; `reason` reaches the caller as it is. */
  abstract abort(reason: unknown): void;
  abstract timedOut(phase: TimedPhase, limitMs: number): void;
  /** Nothing is left to do on the wire. Idempotent. */
  protected abstract end(): void;

  // From the wire …

  /**
   * Sets limits and decoder, before anything of `body` arrives. `length` as its framing says: 0 for no body, negative for an unknown one.
   * Returns what is wrong with the codings or the length, undefined for nothing.
   */
  protected prepare(body: Body, response: ClientResponse, length: number): unknown {
    const { decompress, maxResponseSize, passUnknownCodings } = this.request.settings;
    if (length > 0) body.declaredLength = length;
    body.maxBytes = maxResponseSize === Number.POSITIVE_INFINITY ? BUFFERED_MAX_SIZE : maxResponseSize;
    if (length === 0) return undefined;
    const coding = decompress ? response.contentEncoding : undefined;
    try {
      const codings = coding === undefined ? [] : codingsOf(coding);
      if (codings.length > 0) body.decodeWith(decoderFor(codings, { maxOutputBytes: maxResponseSize }));
      else this.#maxWireBytes = maxResponseSize;
      // A length of the coded bytes says nothing about the decoded ones.
      const declared = codings.length === 0 ? length : 0;
      return declared > maxResponseSize ? tooLarge(declared, maxResponseSize) : undefined;
    } catch (error) {
      if (!passUnknownCodings) return error;
      this.#maxWireBytes = maxResponseSize;
      return undefined;
    }
  }

  onData(piece: Uint8Array, borrowed: boolean): void {
    const { body } = this;
    if (body === undefined) return;
    const total = body.bytesReceived + piece.byteLength;
    if (total > this.#maxWireBytes && this.#reading !== "discarding") {
      this.abort(tooLarge(total, this.#maxWireBytes));
      return;
    }
    const room = body.push(piece, borrowed);
    if (this.#reading === "yes") this.#readOn();
    const share = body.used || this.#hold(piece.byteLength);
    if (!room || !share) this.pause();
    if (this.download !== undefined && this.#reading !== "discarding") this.report(this.download, piece.byteLength);
  }

  protected meter(listener: ProgressListener, total: number | undefined): ProgressMeter {
    const { clock } = this.request;
    return new ProgressMeter(listener, () => clock.now(), total);
  }

  /** So many more bytes of a transfer, or undefined: that was all. What its listener throws ends the request. */
  protected report(meter: ProgressMeter, bytes: number | undefined): void {
    try {
      if (bytes === undefined) meter.finish();
      else meter.add(bytes);
    } catch (error) {
      this.abort(error);
    }
  }

  /** All of the body has arrived; what was let by unread is no download. */
  protected downloaded(): void {
    if (this.download !== undefined && this.#reading !== "discarding") this.report(this.download, undefined);
  }

  // … and from the reader.

  pause(): void {
    if (this.#paused || this.link === undefined) return;
    this.#paused = true;
    this.link.pause();
    if (this.body?.used !== false) return;
    this.#standing = true;
    this.pool.unread.stands(this);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.letGo();
    this.link?.resume();
  }

  cancel(_reason: Error | undefined): void {
    const { link } = this;
    this.link = undefined;
    this.end();
    link?.abandon();
  }

  onSettled(): void {
    this.letGo();
  }

  onWaiting(waiting: boolean): void {
    this.#reading = waiting ? "yes" : "no";
    if (this.link === undefined) return;
    if (waiting) {
      this.letGo();
      this.#readOn();
      this.resume();
    } else this.deadline.leavePhase(this.request.clock.now());
  }

  contentType(): string | undefined {
    return this.response?.contentType;
  }

  charset(): string | undefined {
    return this.response?.charset;
  }

  get parseJson(): ((text: string) => unknown) | undefined {
    return this.request.settings.parseJson;
  }

  describe(error: SluiceError): void {
    describeError(error, this.request.scope.context());
  }

  // Not read.

  /**
   * The body is not wanted: what comes at once is let by, so that the connection can be kept; for more it is closed. Whoever
   * waits for more of it at this moment gets it; a reader that has merely left it is told that it is gone.
   */
  discard(): void {
    const { body } = this;
    if (body === undefined || body.settled || this.#reading !== "no") return;
    const { scope, clock } = this.request;
    // From now on it ends by itself, and soon: whatever becomes of the request does not break it off.
    if (scope.current === this) scope.current = undefined;
    this.letGo();
    void body.discard(DISCARD_BYTES);
    if (this.link === undefined) return;
    this.#reading = "discarding";
    this.deadline.enter("unread", DISCARD_MS, clock.now());
  }

  /** Nobody began to read the body. Whoever comes to read it now is told why it is gone. */
  giveUpUnread(why: string): void {
    if (this.#reading === "discarding") {
      this.body?.cancel();
      return;
    }
    this.#warnUnread(why);
    const message = `The body was left unread and given up: ${why}; read, save or discard each body as soon as it is there`;
    this.abort(new PayloadError("body/unread", message, { phase: "read" }));
  }

  /** The body is being read, or is over: nothing of it counts as unread any more. */
  protected letGo(): void {
    if (this.#heldBytes > 0) this.pool.unread.hold(-this.#heldBytes);
    this.#heldBytes = 0;
    if (this.#standing) this.pool.unread.moves(this);
    this.#standing = false;
  }

  #hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    return this.pool.unread.hold(bytes);
  }

  /** The time until the next bytes is measured from now. */
  #readOn(): void {
    if (this.link === undefined) return;
    const { clock, settings } = this.request;
    this.deadline.enter("read", settings.timeouts.read, clock.now());
  }

  #warnUnread(why: string): void {
    const { callSite, method } = this.request.scope;
    if (callSite === undefined) return;
    const { url } = this.request.scope.context();
    warnOnce("SLUICE_BODY_UNREAD", placeOf(callSite), `The body of ${method} ${url} was not read: ${why}`);
  }
}
