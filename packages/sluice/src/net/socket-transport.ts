/**
 * A transport over one socket of node:net or node:tls. Decides how bytes are read:
 *
 * - into a lent buffer (`onread` of net.connect and tls.connect, which call {@link SocketTransport.receiveLent}; for accepted
 *   sockets see lent-reads.ts): nothing is allocated per packet, and connections may share the buffer, because it is filled and
 *   consumed in one go. Against 'data' events this saves a third of the reader's CPU time, on a TLS download as on a plain one;
 * - from 'data' events, whose buffers are the receiver's for good: sockets of the user's own, and all on Windows that are accepted.
 *
 * and how they leave: small writes are kept until the turn of the loop is over. When one turn brings packets on many connections,
 * all of them are read first and all answers written then; a client with 64 requests in flight spends a tenth less on each, and
 * what one connection says in several writes leaves in one. What is large, or meets a full socket, goes to Node at once.
 *
 * Node reports everything from its own turns of the loop, never from inside write, pause or resume, as the contract asks;
 * what a handler that came late has missed, and what had to be held, is told in a microtask. The 'error' listener stays for
 * ever: a socket that fails after it was given up has nobody else to listen, and must not end the process.
 */

import type { Socket } from "node:net";
import { atTurnEnd, type TurnEnd } from "../concurrency/clock.js";
import { UsageError } from "../errors.js";
import { LargeWrites } from "./large-writes.js";
import { lendReadBuffer } from "./lent-reads.js";
import { describePeer } from "./peer-info.js";
import type { ReadBuffer } from "./read-buffer.js";
import type { PeerInfo, Transport, TransportHandler } from "./transport.js";

/** Text up to this many bytes waits for the end of the turn. Below every mark above which a socket asks for patience. */
const KEPT_BYTES = 8 * 1024;
/** From here on it may take long until a write has gone, and what of it has is looked up. */
const LARGE_BYTES = 32 * 1024;

/** Where the listeners of a socket find its transport: a property, because a look-up in a map for each packet costs more. */
const TRANSPORT = Symbol("transport");

/** A socket that a transport was made of. */
interface OwnedSocket extends Socket {
  [TRANSPORT]: SocketTransport;
}

/** {@link Transport} over a TCP, TLS or Unix socket. Errors given to `onClose` are the system's own, with their `code`. */
export class SocketTransport implements Transport, TurnEnd {
  readonly #socket: Socket;
  /** The read buffer shared with others, or undefined when Node hands buffers over. */
  readonly #lentBuffer: ReadBuffer | undefined;
  /**
   * Copies of lent bytes that came while paused or before the first handler. TLS goes on with what it has decrypted
   * when it is told to stop: at most one read of the system's, 64 KiB.
   */
  #held: Buffer[] | undefined = undefined;
  #handler: TransportHandler | undefined;
  /** Of whoever has accepted it: here instead of among the socket's listeners, where a second one costs a list. */
  #onGone: (() => void) | undefined = undefined;
  #peer: PeerInfo | undefined;
  #failure: Error | undefined;
  #paused = false;
  #closed = false;
  #ended = false;
  #peerEnded = false;
  #drainOwed = false;
  /** Made by the first of them: most connections have none. */
  #large: LargeWrites | undefined = undefined;
  /** What leaves when the turn is over: one byte a character. */
  #kept = "";

  /** Takes over a socket that a server has just accepted: it reads into `buffer` where that can be had. `onGone` is called when it is closed. */
  static accepted(socket: Socket, buffer: ReadBuffer, onGone: (() => void) | undefined): SocketTransport {
    const lent = lendReadBuffer(socket, buffer.bytes, SocketTransport.#onLent);
    const transport = new SocketTransport(socket, lent ? buffer : undefined);
    transport.#onGone = onGone;
    return transport;
  }

  /** Takes over `socket`, which must not be read yet. With `lentBuffer`, its `onread` callback calls `receiveLent`. */
  constructor(socket: Socket, lentBuffer?: ReadBuffer) {
    this.#socket = socket;
    this.#lentBuffer = lentBuffer;
    const owned = socket as OwnedSocket;
    socket.pause();
    owned[TRANSPORT] = this;
    if (lentBuffer === undefined) socket.on("data", SocketTransport.#onData);
    socket.on("end", SocketTransport.#onEnd);
    socket.on("drain", SocketTransport.#onDrain);
    socket.on("error", SocketTransport.#onError);
    socket.on("close", SocketTransport.#onClose);
  }

  // One listener for all sockets, which finds the transport by its socket: five closures each cost an idle connection a tenth more memory.

  static readonly #onLent = function (this: Socket, byteCount: number): boolean {
    return (this as OwnedSocket)[TRANSPORT].receiveLent(byteCount);
  };

  static readonly #onData = function (this: OwnedSocket, bytes: Buffer): void {
    this[TRANSPORT].#receive(bytes);
  };

  static readonly #onEnd = function (this: OwnedSocket): void {
    this[TRANSPORT].#receiveEnd();
  };

  static readonly #onDrain = function (this: OwnedSocket): void {
    this[TRANSPORT].#receiveDrain();
  };

  static readonly #onError = function (this: OwnedSocket, error: Error): void {
    const transport = this[TRANSPORT];
    transport.#failure ??= error;
  };

  static readonly #onClose = function (this: OwnedSocket): void {
    this[TRANSPORT].#receiveClose();
  };

  get lends(): boolean {
    return this.#lentBuffer !== undefined;
  }

  get destroyed(): boolean {
    return this.#closed || this.#socket.destroyed;
  }

  /** Of a large write the system takes a part at a time, which the stream does not tell before all of it has gone. */
  get bufferedBytes(): number {
    const waiting = this.#socket.writableLength;
    const taken = this.#large === undefined ? 0 : this.#large.takenBytes;
    return Math.max(0, waiting - taken) + this.#kept.length;
  }

  get holds(): boolean {
    return this.#socket.writableLength > 0;
  }

  attach(handler: TransportHandler): void {
    const first = this.#handler === undefined;
    this.#handler = handler;
    if (this.#closed || this.#peerEnded) queueMicrotask(() => this.#catchUp(handler));
    if (!first || this.#closed) return;
    // Asked for now because a socket that was reset no longer knows its peer, and logs want it.
    this.#peer ??= describePeer(this.#socket);
    if (!this.#paused) this.resume();
  }

  write(bytes: Uint8Array | string, encoding: "latin1" | "utf8" = "latin1"): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return false;
    if (this.#ended) throw new UsageError("transport/write-after-end", "Cannot write: end() was called before");
    if (bytes.length === 0) return !this.#drainOwed;
    if (encoding === "latin1" && typeof bytes === "string" && this.#keep(bytes)) return true;
    this.turnOver();
    if (typeof bytes === "string") return this.#hasRoom(socket.write(bytes, encoding));
    if (bytes.length < LARGE_BYTES) return this.#hasRoom(socket.write(bytes));
    this.#large ??= new LargeWrites(socket);
    return this.#hasRoom(this.#large.write(bytes));
  }

  /** Node compares the size with its mark before it tries; what the system took at once leaves nothing to wait for. */
  #hasRoom(below: boolean): boolean {
    if (below || this.#socket.writableLength === 0) return true;
    this.#drainOwed = true;
    return false;
  }

  /** Keeps `text` for the end of the turn, unless it is too much or has to queue up behind what the system has not taken. */
  #keep(text: string): boolean {
    const kept = this.#kept;
    if (kept.length + text.length > KEPT_BYTES || this.#socket.writableLength > 0) return false;
    if (kept === "") atTurnEnd(this);
    this.#kept = kept + text;
    return true;
  }

  /** Hands what was kept to the system. */
  turnOver(): void {
    const kept = this.#kept;
    if (kept === "") return;
    this.#kept = "";
    if (!this.#socket.destroyed) this.#socket.write(kept, "latin1");
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  end(): void {
    if (this.#ended || this.#socket.destroyed) return;
    this.#ended = true;
    this.turnOver();
    this.#socket.end();
  }

  destroy(error?: Error): void {
    if (this.#socket.destroyed) return;
    this.#failure ??= error;
    this.turnOver();
    if (error !== undefined) this.#resetInsteadOfFin();
    this.#socket.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#handler === undefined) return;
    if (this.#held === undefined) this.#socket.resume();
    else queueMicrotask(() => this.#releaseHeld());
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  peer(): PeerInfo {
    this.#peer ??= describePeer(this.#socket);
    return this.#peer;
  }

  /** Takes the connection back from its handler: `rest`, which that one had received, and all that comes wait for the next one. */
  detach(rest: Uint8Array): void {
    this.#handler = undefined;
    this.#paused = false;
    this.#socket.pause();
    if (rest.length > 0) this.#held = [Buffer.from(rest), ...(this.#held ?? [])];
  }

  /** Gives the detached socket away, with the bytes that wait, for TLS to be spoken over it. */
  release(): Socket {
    this.turnOver();
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#socket.unshift(Buffer.concat(held));
    return this.#socket;
  }

  /**
   * For the `onread` callback only: `byteCount` bytes are at the start of the lent buffer. Returns what that callback is to
   * return: false stops the reading.
   */
  receiveLent(byteCount: number): boolean {
    const buffer = this.#lentBuffer;
    if (buffer === undefined) return false;
    if (this.#paused || this.#handler === undefined || this.#held !== undefined) {
      this.#held ??= [];
      this.#held.push(Buffer.from(buffer.first(byteCount)));
      return false;
    }
    this.#receive(buffer.first(byteCount));
    return true;
  }

  /**
   * A message whose end is the connection's must not look complete when it is not: a fault is to be a reset. Node's own
   * `resetAndDestroy` sends what is buffered and FIN first, so this sets the mark that it leaves for `destroy`; where a Node does
   * not know the mark, the connection just closes. A reset during our own shutdown would be refused by the system.
   */
  #resetInsteadOfFin(): void {
    const isTcp = this.#peer?.remotePort !== undefined && this.#peer.tls === undefined;
    if (isTcp && !this.#ended) Object.assign(this.#socket, { resetAndClosing: true });
  }

  #receive(bytes: Buffer): void {
    if (this.#socket.destroyed) return;
    this.#handler?.onData(bytes);
  }

  #receiveEnd(): void {
    this.#peerEnded = true;
    if (this.#held !== undefined || this.#socket.destroyed) return;
    this.#handler?.onEnd();
  }

  #receiveDrain(): void {
    if (!this.#drainOwed || this.#socket.destroyed) return;
    this.#drainOwed = false;
    this.#handler?.onDrain();
  }

  /** Tells a handler that came late what its predecessor, or nobody, was told. */
  #catchUp(handler: TransportHandler): void {
    if (this.#handler !== handler) return;
    if (this.#closed) handler.onClose(this.#failure);
    else if (this.#held === undefined && !this.#socket.destroyed) handler.onEnd();
  }

  #releaseHeld(): void {
    if (this.#held === undefined) return;
    while (this.#held !== undefined) {
      // Whoever detaches in the middle has put back what it had received: that is for the next handler.
      if (this.#paused || this.#handler === undefined) return;
      const next = this.#held.shift();
      if (next !== undefined) this.#receive(next);
      if (this.#held?.length === 0) this.#held = undefined;
    }
    if (this.#peerEnded) this.#receiveEnd();
    else if (!this.#paused) this.#socket.resume();
  }

  #receiveClose(): void {
    this.#closed = true;
    this.#onGone?.();
    this.#handler?.onClose(this.#failure);
  }
}

/**
 * A transport over a connected socket of one's own, of node:net or node:tls, for `connect` of a connector. Nothing may have been read
 * from it; from now on it is the transport's.
 */
export function socketTransport(socket: Socket): Transport {
  return new SocketTransport(socket);
}
