/**
 * The client's end of one HTTP/1.1 connection: response codec × transport, one exchange at a time (RFC 9112 §9.3). It knows
 * what bytes mean and when the connection may carry another request, and nothing of pools, retries, redirects or time.
 *
 * Strategy: everything that one packet causes is done before `onData` returns; the exchange hears of it through a sink. A
 * connection is given back only when nothing about it is in doubt (RFC 9112 §9.3, §9.5): the answer ended by its own framing,
 * both sides want to go on, the request has left completely, and not one byte came after the end. Hence it is given back
 * when the whole packet has been looked at, never from within: bytes behind an answer must not meet the next request
 * (RFC 9112 §9.2, §11.2).
 */

import type { Payload } from "../body/payload.js";
import { ConnectionLostError, PayloadError, PeerError, ProtocolError, SluiceError } from "../errors.js";
import type { Http1Limits } from "../http1/limits.js";
import { ResponseReader } from "../http1/response-reader.js";
import { type FieldLines, KEEP_ALIVE, type ResponseSink, UPGRADE } from "../http1/sinks.js";
import type { Transport, TransportHandler } from "../net/transport.js";
import type { LinkExchange, LinkRequest } from "./link-exchange.js";
import { PayloadPump, type PumpOwner } from "./payload-pump.js";
import { writeWhole } from "./write-whole.js";

/** Bodies in memory up to this many bytes leave at once; larger ones are pumped, so that progress and stalls are seen. */
const WRITE_AT_ONCE_BYTES = 64 * 1024;
/** A piece of at least this size is handed on together with its packet's buffer; a smaller one is copied out of it. */
const KEEP_WHOLE_BYTES = 16 * 1024;
const CONTINUE = 100;

/** Whoever keeps the connection between exchanges. */
export interface LinkOwner {
  /** The exchange ended and the connection can take another. May start one before it returns. */
  onReusable(link: Http1ClientLink): void;
  /** The connection is gone, or is not to be used again. Once. */
  onGone(link: Http1ClientLink): void;
  /** The connection speaks another protocol from now on, and is its exchange's. Once, in place of `onGone`. */
  onUpgraded(link: Http1ClientLink): void;
}

/** `ended`, `switched`: the answer is complete, the latter with 101, and the rest of its packet is still to be looked at. */
type LinkState = "idle" | "busy" | "ended" | "switched" | "gone";

/** {@link LinkExchange}s one after the other on one transport. */
export class Http1ClientLink implements TransportHandler, PumpOwner {
  readonly transport: Transport;
  readonly #owner: LinkOwner;
  readonly #reader: ResponseReader;
  #state: LinkState = "idle";
  #exchange: LinkExchange | undefined;
  #pump: PayloadPump | undefined;
  /** A request whose head has left, and whose body waits for 100 (Continue). */
  #held: LinkRequest | undefined;
  #requestSent = true;
  #answered = false;
  #headSeen = false;
  #keepAlive = false;
  #peerEnded = false;
  /** The buffer of the packet being worked off, where the transport gave it away for good. */
  #handedOver: ArrayBufferLike | undefined;
  /** How many exchanges it has carried; more than one means the current one runs on a reused connection. */
  exchanges = 0;

  constructor(transport: Transport, limits: Readonly<Required<Http1Limits>>, owner: LinkOwner) {
    this.transport = transport;
    this.#owner = owner;
    const sink: ResponseSink = {
      onInformational: (status, reason, fields) => {
        if (status === CONTINUE) this.sendHeldBody();
        this.#exchange?.onInformational(status, reason, fields);
      },
      onHead: (status, reason, version, bodyLength, flags, fields) => {
        this.#onHead(flags);
        this.#exchange?.onHead(status, reason, version, bodyLength, fields);
        if ((flags & UPGRADE) !== 0 && this.#is("busy")) this.#state = "switched";
      },
      onData: (piece) => this.#onBodyData(piece),
      onEnd: (trailers) => this.#onMessageEnd(trailers),
    };
    this.#reader = new ResponseReader(sink, limits);
    transport.attach(this);
  }

  /** Idle, and as far as anybody knows fit for an exchange. */
  get usable(): boolean {
    return this.#state === "idle" && !this.transport.destroyed;
  }

  /** An upload stands still because its source gives nothing, not because the peer takes nothing. */
  get awaitsSource(): boolean {
    return this.#pump?.state === "source";
  }

  /** Writes the request; small ones in one write. The link must be idle. */
  send(exchange: LinkExchange, request: LinkRequest): void {
    this.#state = "busy";
    this.#exchange = exchange;
    this.#answered = false;
    this.#headSeen = false;
    this.#requestSent = true;
    this.exchanges += 1;
    this.#reader.expect(request.method, request.upgrade !== undefined);
    const { payload } = request;
    if (payload === undefined) {
      this.transport.write(request.head, "latin1");
      exchange.onRequestSent();
      return;
    }
    this.#requestSent = false;
    if (request.expectsContinue === true) {
      this.#held = request;
      this.transport.write(request.head, "latin1");
      return;
    }
    this.#sendPayload(payload, request.chunked, request.head);
  }

  /** The body that waits for 100 (Continue) leaves without it. Harmless when it has left, or is not wanted any more. */
  sendHeldBody(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held?.payload !== undefined) this.#sendPayload(held.payload, held.chunked, "");
  }

  #sendPayload(payload: Payload, chunked: boolean, head: string): void {
    const { whole, length } = payload;
    if (whole !== undefined && length !== undefined && length <= WRITE_AT_ONCE_BYTES) {
      writeWhole(this.transport, head, whole, length);
      this.#exchange?.onRequestProgress(length);
      this.onPumpDone();
      return;
    }
    this.#pump = new PayloadPump(this.transport, this);
    this.#pump.start(payload, chunked ? "chunked" : "length", head);
  }

  /** Stops taking bytes from the peer until `resume`: the reader of the body is behind. */
  pause(): void {
    if (this.#state === "gone") return;
    this.#reader.pause();
    this.transport.pause();
  }

  /** Goes on; may deliver more of the answer, its end or its failure before it returns. */
  resume(): void {
    if (this.#state === "gone") return;
    this.#resumeReader();
    if (this.#is("busy") && this.#reader.paused) return;
    this.#giveBack();
    if (!this.#is("gone")) this.transport.resume();
  }

  /**
   * Ends the exchange under way without a word to it, and the connection with it: by a reset, because a FIN alone could come from
   * a client that still waits for its answer, and the server would go on working for nobody.
   */
  abandon(): void {
    this.#exchange = undefined;
    const busy = this.#state === "busy";
    this.#leave(busy ? new ConnectionLostError("connection/abandoned", "The exchange was given up") : undefined);
  }

  /** Closes an idle connection, or breaks off a busy one: its exchange fails with `error`. */
  destroy(error: Error): void {
    if (this.#exchange !== undefined) this.#fail(error);
    else this.#leave();
  }

  // What the transport says.

  onData(bytes: Uint8Array): void {
    this.#answered = true;
    if (!this.transport.lends) this.#handedOver = bytes.buffer;
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.#failRead(error);
    }
    this.#handedOver = undefined;
    this.#giveBack();
  }

  onEnd(): void {
    this.#peerEnded = true;
    if (this.#state === "busy") this.#deliverHeld();
    if (this.#is("busy")) this.#finish();
    this.#leave();
  }

  onDrain(): void {
    this.#pump?.onDrain();
  }

  onClose(error: Error | undefined): void {
    this.#peerEnded = true;
    if (this.#state === "busy") this.#deliverHeld();
    if (error instanceof SluiceError && this.#is("busy")) {
      // A transport that is no socket (a tunnel, a mock) knows better what happened than we do.
      this.#fail(error);
    } else if (this.#is("busy")) {
      const code = (error as NodeJS.ErrnoException | undefined)?.code;
      const how = error === undefined ? "closed" : `broken (${code ?? error.message})`;
      const when = this.#headSeen ? "before the body had ended" : "before an answer came";
      this.#fail(new ConnectionLostError("connection/lost", `The connection was ${how} ${when}`, { cause: error }));
    }
    this.#leave();
  }

  // What the codec says.

  #onHead(flags: number): void {
    this.#headSeen = true;
    this.#keepAlive = (flags & KEEP_ALIVE) !== 0;
    if (!this.#requestSent) {
      // RFC 9112 §9.5: a final answer ends the upload; what is left of it would only be thrown away.
      // A body that still waits for 100 is not sent, and a server that reads on would take the next request for it.
      this.#held = undefined;
      this.#pump?.cancel();
      this.#pump = undefined;
      this.#keepAlive = false;
    }
  }

  #onBodyData(piece: Uint8Array): void {
    // A small piece would keep its whole packet alive: it is lent, so that the body copies it.
    const given = piece.buffer === this.#handedOver && piece.byteLength >= KEEP_WHOLE_BYTES;
    this.#exchange?.onData(piece, !given);
  }

  #onMessageEnd(trailers: FieldLines): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const inDoubt = !this.#keepAlive || !this.#requestSent || this.#peerEnded;
    if (inDoubt) this.#leave();
    else if (this.#state === "busy") this.#state = "ended";
    exchange?.onEnd(trailers);
  }

  /** The packet that brought the end of the answer has been looked at: had it gone on, the reader would have refused it. */
  #giveBack(): void {
    if (this.#state !== "ended") {
      if (this.#state === "switched") this.#handOver();
      return;
    }
    this.#state = "idle";
    this.#owner.onReusable(this);
  }

  /** Behind 101: whatever comes is in the other protocol. */
  #handOver(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#state = "gone";
    this.transport.pause();
    const rest = this.#reader.takeRest();
    this.#owner.onUpgraded(this);
    if (exchange === undefined) this.transport.destroy();
    else exchange.onUpgrade(this.transport, rest);
  }

  // What the pump says.

  onPumpDone(): void {
    this.#pump = undefined;
    this.#requestSent = true;
    this.#exchange?.onRequestSent();
  }

  onPumpProgress(bodyBytes: number): void {
    this.#exchange?.onRequestProgress(bodyBytes);
  }

  onPumpError(error: Error): void {
    this.#pump = undefined;
    this.#fail(error);
  }

  // Endings.

  #resumeReader(): void {
    try {
      this.#reader.resume();
    } catch (error) {
      this.#failRead(error);
    }
  }

  /** Nothing more will come, and nothing can be held back: the reader of the body gets what is here, whether it has room or not. */
  #deliverHeld(): void {
    while (this.#is("busy") && this.#reader.paused) this.#resumeReader();
  }

  /** The peer's FIN: the end of a body that lasts until then, or an answer cut short. */
  #finish(): void {
    try {
      this.#reader.finish();
    } catch (error) {
      this.#fail(this.#cutShort(error));
      return;
    }
    // The exchange is still here if its answer did not end with the connection.
    if (this.#exchange !== undefined) this.#fail(this.#cutShort(undefined));
  }

  #cutShort(cause: unknown): SluiceError {
    if (this.#headSeen) {
      return new PayloadError("body/incomplete", "The connection was closed before the body had ended", { cause });
    }
    return new ConnectionLostError("connection/closed", "The connection was closed before an answer came", { cause });
  }

  #failRead(error: unknown): void {
    if (error instanceof PeerError) {
      this.#fail(new ProtocolError(error.code, `The answer breaks HTTP's rules: ${error.message}`, { cause: error }));
    } else {
      this.#fail(error instanceof Error ? error : new ProtocolError("http1/failed", String(error)));
    }
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const answered = this.#answered;
    this.#leave();
    exchange?.onFailure(error, answered);
  }

  /** Asks anew: what was called meanwhile may have moved the state. */
  #is(state: LinkState): boolean {
    return this.#state === state;
  }

  /** Out of use for good. The transport's own close may still be to come. */
  #leave(reason?: Error): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#held = undefined;
    this.#pump?.cancel();
    this.#pump = undefined;
    this.transport.destroy(reason);
    this.#owner.onGone(this);
  }
}
