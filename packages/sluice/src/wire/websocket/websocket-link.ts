/**
 * One WebSocket on a transport (RFC 6455): frames × transport, for both sides. It knows what frames mean, when the connection ends and how;
 * what messages are made of is the intake's business, their order that of the sender.
 *
 * The end (§7.1). Either side sends a close frame behind its last message; whoever receives one answers it and takes no notice of what
 * follows. Then the server closes its side of the connection and the client waits for that; both are done when both have, or when
 * `closeTimeout` has passed since the end began. What breaks the rules is answered by a close frame with the code that says so, and
 * the connection ends at once; a connection that ends without a close frame has broken off: 1006.
 */

import { atTurnEnd, type Clock, type TurnEnd } from "../../concurrency/clock.js";
import type { Deadline } from "../../concurrency/deadline.js";
import { OwnedDeadline } from "../../concurrency/owned-deadline.js";
import type { Transport, TransportHandler } from "../../net/transport.js";
import { CLOSE_CODES } from "../../websocket/close-codes.js";
import { faultBehind } from "../../websocket/frame-faults.js";
import { closePayload } from "../../websocket/frame-writer.js";
import { LentFrameReader } from "../../websocket/lent-frame-reader.js";
import { CLOSE, FIN, PING, PONG } from "../../websocket/opcodes.js";
import { WebSocketFault } from "../../websocket/websocket-fault.js";
import { closedError, type EndCause, endsQuietly, type WebSocketEnd } from "./closed-error.js";
import { FrameOutlet, type MaskSource } from "./frame-outlet.js";
import { Heartbeat, type HeartbeatOwner } from "./heartbeat.js";
import type { LinkOwner, LinkSettings } from "./link-owner.js";
import { type IntakeOwner, MessageIntake } from "./message-intake.js";
import { MessageSender } from "./message-sender.js";

/** Of a heartbeat; `ping()` has others. */
const HEARTBEAT_PAYLOAD = new Uint8Array(0);

/** `closing`: a close frame was sent, or will be behind the last message; `ending`: nothing is read or sent any more. */
export type LinkState = "open" | "closing" | "ending" | "closed";

/** One WebSocket; see above. */
export class WebSocketLink implements TransportHandler, HeartbeatOwner, IntakeOwner, TurnEnd {
  readonly transport: Transport;
  readonly intake: MessageIntake;
  readonly sender: MessageSender;
  readonly #outlet: FrameOutlet;
  readonly #owner: LinkOwner;
  readonly #settings: LinkSettings;
  readonly #reader: LentFrameReader;
  #heartbeat: Heartbeat | undefined = undefined;
  #state: LinkState = "open";
  #readingPaused = false;
  #closeSent = false;
  #closeDeadline: Deadline | undefined = undefined;
  #end: WebSocketEnd | undefined = undefined;
  #cause: EndCause | undefined = undefined;
  /** Payload of the latest ping that could not be answered yet (§5.5.3 lets earlier ones go unanswered). */
  #owedPong: Uint8Array | undefined = undefined;
  /** What a frame of the peer has ended the connection with, until the turn is over. */
  #verdict: (() => void) | undefined = undefined;

  /** Call {@link start} next. `maskSource` is a client's. */
  constructor(transport: Transport, owner: LinkOwner, settings: LinkSettings, maskSource: MaskSource | undefined) {
    const { options, compression } = settings;
    this.transport = transport;
    this.#owner = owner;
    this.#settings = settings;
    this.#outlet = new FrameOutlet(transport, maskSource);
    this.sender = new MessageSender(this.#outlet, compression);
    if (compression !== undefined) this.sender.onCaughtUp = () => owner.onRoom();
    this.intake = new MessageIntake(this, options.maxQueuedBytes, compression?.makeInflater);
    this.#reader = new LentFrameReader(this.intake, {
      role: settings.role,
      compression: compression !== undefined,
      maxMessageSize: options.maxMessageSize,
    });
  }

  /** Takes the transport over. `rest`: what came behind the handshake; it is the link's from now on. */
  start(rest: Uint8Array): void {
    if (this.heartbeatInterval !== Number.POSITIVE_INFINITY) this.#heartbeat = new Heartbeat(this);
    this.transport.attach(this);
    if (rest.length > 0) this.#feed(rest, false);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** How it ended, as soon as that is known. */
  get end(): WebSocketEnd | undefined {
    return this.#end;
  }

  get cause(): EndCause | undefined {
    return this.#cause;
  }

  get clock(): Clock {
    return this.#owner.clock;
  }

  get heartbeatInterval(): number {
    return this.#settings.options.heartbeat;
  }

  get readingPaused(): boolean {
    return this.#readingPaused;
  }

  get backlogBytes(): number {
    return this.transport.bufferedBytes;
  }

  get handedBytes(): number {
    return this.#outlet.handedBytes;
  }

  /** Bytes that were sent and that the system has not taken. */
  get bufferedBytes(): number {
    return this.#outlet.bufferedBytes + this.sender.waitingBytes;
  }

  /** A frame of data for whoever has the sender's floor. Throws `WebSocketClosedError` if there is nobody to send it to. */
  sendFragment(first: number, payload: string | Uint8Array): void {
    if (this.#end !== undefined) throw closedError("send", this.#end, this.#cause);
    this.#outlet.frame(first, payload);
  }

  /** A message that was begun will not be completed: nothing can follow (§5.4). */
  abandonMessage(): void {
    const message = "Cannot complete a message: its source failed, or was told to stop";
    this.#fail(new WebSocketFault("websocket/message-abandoned", message, CLOSE_CODES.INTERNAL));
  }

  /** §5.5.2. At most 125 bytes. */
  ping(payload: Uint8Array): void {
    if (this.#state === "open") this.#outlet.frame(FIN | PING, payload);
  }

  /** Begins the closing handshake behind the last message (§7.1.2). `code` and `reason` are what may be sent. */
  close(code: number | undefined, reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    const end: WebSocketEnd = { code: code ?? CLOSE_CODES.NO_STATUS, reason, wasClean: false };
    this.intake.discard(closedError("receive", end, undefined));
    this.#limitEnding();
    this.sender.finish(closedError("send", end, undefined), () => this.#sendClose(code, reason));
    this.steerReading();
  }

  /** Gives up at once: 1006 (§7.1.5). */
  terminate(cause: EndCause): void {
    if (this.#state === "closed") return;
    this.#verdict = undefined;
    this.#cause ??= cause;
    this.transport.destroy();
  }

  // What the transport says.

  onData(bytes: Uint8Array): void {
    if (this.#heartbeat !== undefined) this.#heartbeat.heard = true;
    this.#feed(bytes, this.transport.lends);
  }

  onEnd(): void {
    this.turnOver();
    if (this.#state === "ending") this.#endTransport();
    else this.transport.destroy();
  }

  onDrain(): void {
    this.#outlet.drained();
    const owed = this.#owedPong;
    this.#owedPong = undefined;
    if (owed !== undefined && !this.#over) this.#outlet.frame(FIN | PONG, owed);
    this.sender.drained();
    this.#owner.onRoom();
  }

  onClose(error: Error | undefined): void {
    if (this.#state === "closed") return;
    this.turnOver();
    const end = this.#end ?? { code: CLOSE_CODES.ABNORMAL, reason: "", wasClean: false };
    if (!end.wasClean) this.#cause ??= { code: "websocket/lost", why: "the connection broke off", cause: error };
    const cause = end.wasClean ? undefined : this.#cause;
    this.#finish(end);
    this.#state = "closed";
    if (this.#closeDeadline !== undefined) this.#owner.clock.disarm(this.#closeDeadline);
    const lost = closedError("receive", end, cause);
    this.intake.end(endsQuietly(end.code) ? undefined : lost, lost);
    this.#owner.onEnded(end, cause);
  }

  // What the intake says.

  onPing(payload: Buffer): void {
    if (this.#over) return;
    if (this.#outlet.stalled) this.#owedPong = Uint8Array.from(payload);
    else this.#outlet.frame(FIN | PONG, payload);
  }

  onPong(payload: Buffer): void {
    this.#owner.onPong(payload);
  }

  onPeerClose(code: number, reason: string): void {
    this.#endBehindAnswers(() => this.#answerClose(code, reason));
  }

  /** The program has had its turn to answer what came before the end. */
  turnOver(): void {
    const verdict = this.#verdict;
    this.#verdict = undefined;
    verdict?.();
  }

  onLateFault(error: unknown): void {
    this.#fail(error);
  }

  steerReading(): void {
    const pause = !this.#over && this.intake.full;
    if (pause === this.#readingPaused) return;
    this.#readingPaused = pause;
    if (pause) {
      this.#reader.pause();
      this.transport.pause();
      return;
    }
    if (this.#heartbeat !== undefined) this.#heartbeat.heard = true;
    if (!this.#over) this.#resumeReader();
    if (!this.#readingPaused) this.transport.resume();
  }

  // What the heartbeat says.

  sendHeartbeat(): void {
    if (!this.#outlet.stalled) this.ping(HEARTBEAT_PAYLOAD);
  }

  onSilence(): void {
    const why = `the peer is silent: nothing came for ${this.heartbeatInterval} ms after a ping`;
    this.terminate({ code: "websocket/silent", why });
  }

  // Within.

  /** Whether nothing is read or written any more. */
  get #over(): boolean {
    return this.#state === "ending" || this.#state === "closed";
  }

  #feed(bytes: Uint8Array, borrowed: boolean): void {
    if (this.#over || this.#verdict !== undefined) return;
    this.intake.delivered = false;
    try {
      this.#reader.feed(bytes, borrowed);
    } catch (error) {
      this.#endBehindAnswers(() => this.#fail(error));
    }
    this.steerReading();
  }

  #resumeReader(): void {
    this.intake.delivered = false;
    try {
      this.#reader.resume();
    } catch (error) {
      this.#endBehindAnswers(() => this.#fail(error));
    }
  }

  /** §5.5.1: answered with the same code, unless it is itself the answer. */
  #answerClose(code: number, reason: string): void {
    if (this.#over) return;
    this.#finish({ code, reason, wasClean: true });
    this.#sendClose(code === CLOSE_CODES.NO_STATUS ? undefined : code, "");
    // §7.1.1: the server is the first to close, so that the wait that TCP asks for is its own.
    if (this.#settings.role === "server") this.#endTransport();
    else this.#outlet.flush();
  }

  /**
   * What a frame ends the connection with waits for the end of the turn if messages came before it in the same packet: what the program
   * answers to them leaves first, as it would if they had come a moment sooner.
   */
  #endBehindAnswers(verdict: () => void): void {
    if (!this.intake.delivered) {
      verdict();
      return;
    }
    this.#verdict = verdict;
    atTurnEnd(this);
  }

  /** §7.1.7. */
  #fail(error: unknown): void {
    if (this.#over) return;
    const fault = faultBehind(error, this.#settings.options.maxMessageSize);
    const reason = fault.code.replace(/^websocket\//, "");
    this.#cause = { code: fault.code, why: fault.message, cause: error };
    this.#finish({ code: fault.closeCode, reason, wasClean: false });
    this.#sendClose(fault.closeCode, reason);
    this.#endTransport();
  }

  #sendClose(code: number | undefined, reason: string): void {
    if (this.#closeSent) return;
    this.#closeSent = true;
    this.#outlet.frame(FIN | CLOSE, closePayload(code, reason));
  }

  /** It is known how this ends: nothing is read any more, and nothing sent but a close frame. */
  #finish(end: WebSocketEnd): void {
    if (this.#over) return;
    this.#state = "ending";
    this.#end = end;
    this.#heartbeat?.stop();
    this.#limitEnding();
    this.intake.discard(closedError("receive", end, this.#cause));
    this.sender.drop(closedError("send", end, this.#cause));
    this.steerReading();
  }

  #endTransport(): void {
    this.#outlet.flush();
    if (!this.transport.destroyed) this.transport.end();
  }

  #limitEnding(): void {
    if (this.#closeDeadline !== undefined) return;
    this.#closeDeadline = new OwnedDeadline(this, WebSocketLink.#endingTooLong);
    this.#owner.clock.arm(this.#closeDeadline, this.#settings.options.closeTimeout);
  }

  static readonly #endingTooLong = (link: WebSocketLink): void => {
    const { closeTimeout } = link.#settings.options;
    link.terminate({ code: "websocket/close-timeout", why: `the peer did not close within ${closeTimeout} ms` });
  };
}
