/**
 * Two transports joined in memory: what one writes, the other is given. For tests of everything above `net`, ours and
 * users', and for requests that never leave the process.
 *
 * It behaves as a loopback TCP connection does, half-closes and back-pressure included, only without a system below: nothing
 * is ever delivered inside a call, but in a job of its own (`schedule`, a microtask by default), and with `lends` each piece
 * is overwritten as soon as the receiver has returned, so that whoever keeps borrowed bytes is found out.
 */

import { UsageError } from "../errors.js";
import type { PeerInfo, Transport, TransportHandler } from "./transport.js";

/** What Node reads from a socket at once, and so the largest piece a receiver sees there. */
const DEFAULT_MAX_PIECE_BYTES = 64 * 1024;
const DEFAULT_HIGH_WATER_MARK = 64 * 1024;
const POISON = 0xdd;
const UNKNOWN_PEER: PeerInfo = {
  remoteAddress: undefined,
  remotePort: undefined,
  localAddress: undefined,
  localPort: undefined,
  tls: undefined,
};

/** How the two transports behave; the same for both directions. */
export interface MemoryPairOptions {
  /** Whether received bytes are lent for the call only, and overwritten after it. @default false */
  readonly lends?: boolean | undefined;
  /** Bytes underway in one direction from which on `write` returns false. At least 1. @default 65_536 */
  readonly highWaterMark?: number | undefined;
  /** Largest piece given to `onData`; 1 delivers byte by byte. At least 1. @default 65_536 */
  readonly maxPieceSize?: number | undefined;
  /** What `peer()` says on the first and the second transport. @default all unknown */
  readonly peers?: readonly [PeerInfo, PeerInfo] | undefined;
  /** Runs a job later, never at once, jobs in the order given. @default queueMicrotask */
  readonly schedule?: ((job: () => void) => void) | undefined;
}

/** One of two joined transports, which can also break as a network does. */
export interface MemoryTransport extends Transport {
  /**
   * Breaks the connection behind what was written: the other end is given all of that, then `onClose` with `error`; this end closes
   * without one. Idempotent. @default an error with the code ECONNRESET
   */
  reset(error?: Error): void;
}

/** Makes two connected transports. Throws {@link UsageError} `options/out-of-range`. */
export function memoryPair(options: MemoryPairOptions = {}): [MemoryTransport, MemoryTransport] {
  const { highWaterMark = DEFAULT_HIGH_WATER_MARK, maxPieceSize = DEFAULT_MAX_PIECE_BYTES } = options;
  const [firstPeer, secondPeer] = options.peers ?? [UNKNOWN_PEER, UNKNOWN_PEER];
  const settings: Settings = {
    lends: options.lends ?? false,
    highWaterMark: atLeastOne("highWaterMark", highWaterMark),
    maxPieceBytes: atLeastOne("maxPieceSize", maxPieceSize),
    schedule: options.schedule ?? queueMicrotask,
  };
  const first = new MemoryEnd(settings, firstPeer);
  const second = new MemoryEnd(settings, secondPeer);
  MemoryEnd.join(first, second);
  return [first, second];
}

interface Settings {
  readonly lends: boolean;
  readonly highWaterMark: number;
  readonly maxPieceBytes: number;
  readonly schedule: (job: () => void) => void;
}

class MemoryEnd implements MemoryTransport {
  readonly #settings: Settings;
  readonly #peerInfo: PeerInfo;
  /** The other end, or undefined once it was destroyed: what is written now reaches nobody. */
  #other: MemoryEnd | undefined;
  #handler: TransportHandler | undefined;
  /** Written by the other end, not delivered yet. The bytes are copies of our own. */
  readonly #inbound: Buffer[] = [];
  #inboundBytes = 0;
  readonly #corkedPieces: Buffer[] = [];
  #corks = 0;
  #paused = false;
  #scheduled = false;
  #ended = false;
  #drainOwed = false;
  /** The other end sends no more; `#endTold`: and the handler knows. */
  #inboundEnded = false;
  #endTold = false;
  /** What breaks the connection behind the bytes that are still to be delivered. */
  #inboundFailure: Error | undefined;
  #destroyed = false;
  #closeTold = false;
  #failure: Error | undefined;

  constructor(settings: Settings, peerInfo: PeerInfo) {
    this.#settings = settings;
    this.#peerInfo = peerInfo;
  }

  static join(first: MemoryEnd, second: MemoryEnd): void {
    first.#other = second;
    second.#other = first;
  }

  get lends(): boolean {
    return this.#settings.lends;
  }

  get destroyed(): boolean {
    return this.#destroyed;
  }

  get bufferedBytes(): number {
    let corkedBytes = 0;
    for (const piece of this.#corkedPieces) corkedBytes += piece.length;
    return corkedBytes + (this.#other === undefined ? 0 : this.#other.#inboundBytes);
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler;
    this.#closeTold = false;
    this.#endTold = false;
    this.#schedule();
  }

  write(bytes: Uint8Array | string, encoding: "latin1" | "utf8" = "latin1"): boolean {
    if (this.#destroyed) return false;
    if (this.#ended) throw new UsageError("transport/write-after-end", "Cannot write: end() was called before");
    if (bytes.length > 0) {
      this.#corkedPieces.push(typeof bytes === "string" ? Buffer.from(bytes, encoding) : Buffer.from(bytes));
    }
    if (this.#corks === 0) this.#send();
    if (this.bufferedBytes < this.#settings.highWaterMark) return !this.#drainOwed;
    this.#drainOwed = true;
    return false;
  }

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    if (this.#corks > 0) this.#corks -= 1;
    if (this.#corks === 0) this.#send();
  }

  end(): void {
    if (this.#ended || this.#destroyed) return;
    this.#corks = 0;
    this.#send();
    this.#ended = true;
    if (this.#other === undefined) this.#close(undefined);
    else this.#other.#receiveEnd();
  }

  destroy(error?: Error): void {
    if (this.#destroyed) return;
    const other = this.#other;
    // As sockets do it: bytes left unread, or an error, mean a reset; otherwise the peer reads what was sent, and then the end.
    const resets = this.#inboundBytes > 0 || error !== undefined;
    this.#close(error);
    if (other === undefined) return;
    other.#other = undefined;
    if (resets) other.#close(systemError("ECONNRESET", "read"));
    else other.#receiveEnd();
  }

  reset(error: Error = systemError("ECONNRESET", "read")): void {
    if (this.#destroyed) return;
    this.#corks = 0;
    this.#send();
    const other = this.#other;
    this.#close(undefined);
    if (other === undefined) return;
    other.#other = undefined;
    other.#inboundFailure = error;
    other.#schedule();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  /** There is no system resource that could keep the process alive. */
  ref(): void {}

  /** See {@link ref}. */
  unref(): void {}

  peer(): PeerInfo {
    return this.#peerInfo;
  }

  #send(): void {
    const pieces = this.#corkedPieces.splice(0);
    if (pieces.length === 0) return;
    if (this.#other === undefined) {
      this.#close(systemError("EPIPE", "write"));
      return;
    }
    const [only] = pieces;
    this.#other.#receive(pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces));
  }

  #receive(bytes: Buffer): void {
    const { maxPieceBytes } = this.#settings;
    for (let from = 0; from < bytes.length; from += maxPieceBytes) {
      this.#inbound.push(bytes.subarray(from, from + maxPieceBytes));
    }
    this.#inboundBytes += bytes.length;
    this.#schedule();
  }

  #receiveEnd(): void {
    this.#inboundEnded = true;
    this.#schedule();
  }

  #close(error: Error | undefined): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#failure = error;
    this.#inbound.length = 0;
    this.#inboundBytes = 0;
    this.#corkedPieces.length = 0;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#settings.schedule(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  /** Everything the handler can be told now, in the order in which it happened. */
  #deliver(): void {
    if (!this.#destroyed && this.#drainOwed && this.bufferedBytes === 0) {
      this.#drainOwed = false;
      this.#handler?.onDrain();
    }
    while (!this.#destroyed && !this.#paused && this.#handler !== undefined && this.#inbound.length > 0) {
      this.#deliverPiece(this.#handler);
    }
    if (!this.#destroyed && this.#inbound.length === 0) {
      if (this.#inboundFailure !== undefined) this.#close(this.#inboundFailure);
      else if (this.#inboundEnded) this.#deliverEnd();
    }
    if (!this.#destroyed || this.#closeTold || this.#handler === undefined) return;
    this.#closeTold = true;
    this.#handler.onClose(this.#failure);
  }

  #deliverPiece(handler: TransportHandler): void {
    const piece = this.#inbound.shift();
    if (piece === undefined) return;
    this.#inboundBytes -= piece.length;
    handler.onData(piece);
    if (this.#settings.lends) piece.fill(POISON);
    if (this.#inboundBytes === 0 && this.#other !== undefined) this.#other.#schedule();
  }

  #deliverEnd(): void {
    if (!this.#endTold && this.#handler !== undefined) {
      this.#endTold = true;
      this.#handler.onEnd();
    }
    // Both directions are done: each end has sent its own, and knows of the other's.
    const otherKnows = this.#other === undefined || this.#other.#endTold;
    if (!this.#endTold || !this.#ended || !otherKnows) return;
    if (this.#other !== undefined) this.#other.#close(undefined);
    this.#close(undefined);
  }
}

function atLeastOne(name: string, value: number): number {
  if (value >= 1) return value;
  throw new UsageError("options/out-of-range", `Cannot use ${name}: expected 1 or more, received ${value}`);
}

/** Named and coded as Node's own, because that is what users' code looks for. */
function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
