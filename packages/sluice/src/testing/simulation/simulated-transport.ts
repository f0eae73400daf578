/**
 * One end of a simulated connection, which behaves as a TCP socket does: an end is sent behind what was written, closing with bytes unread
 * or with an error is a reset, and whoever writes to a closed end is told so one way later.
 */

import { UsageError } from "../../errors.js";
import type { PeerInfo, Transport, TransportHandler } from "../../net/transport.js";
import type { SimulatedEventKind } from "./event-log.js";
import { type PathHost, type PathReceiver, SimulatedPath } from "./simulated-path.js";

const POISON = 0xdd;

/** How an end is made. */
export interface SimulatedEndOptions {
  readonly peer: PeerInfo;
  readonly highWaterMark: number;
  /** Whether received bytes are lent for the call only, and overwritten after it. */
  readonly lends: boolean;
  /** Told of what happens to this end. */
  readonly log: (kind: SimulatedEventKind, size: number) => void;
}

/** Makes both ends of a connection. */
export function simulatedPair(
  host: PathHost,
  clientOptions: SimulatedEndOptions,
  serverOptions: SimulatedEndOptions,
): [client: Transport, server: Transport] {
  const client = new SimulatedTransport(host, clientOptions);
  const server = new SimulatedTransport(host, serverOptions);
  SimulatedTransport.join(client, server);
  return [client, server];
}

class SimulatedTransport implements Transport, PathReceiver {
  readonly #options: SimulatedEndOptions;
  readonly #incoming: SimulatedPath;
  #outgoing: SimulatedPath;
  #other: SimulatedTransport | undefined;
  #handler: TransportHandler | undefined;
  readonly #corkedPieces: Buffer[] = [];
  #corks = 0;
  #paused = false;
  #ended = false;
  #drainOwed = false;
  /** The other end has sent its FIN; `#endTold`: and the handler knows. */
  #peerEnded = false;
  #endTold = false;
  #destroyed = false;
  #closeTold = false;
  #failure: Error | undefined;

  constructor(host: PathHost, options: SimulatedEndOptions) {
    this.#options = options;
    this.#incoming = new SimulatedPath(host, this, () => this.#breakOff());
    this.#outgoing = this.#incoming;
  }

  static join(client: SimulatedTransport, server: SimulatedTransport): void {
    client.#outgoing = server.#incoming;
    client.#other = server;
    server.#outgoing = client.#incoming;
    server.#other = client;
  }

  get lends(): boolean {
    return this.#options.lends;
  }

  get destroyed(): boolean {
    return this.#destroyed;
  }

  get bufferedBytes(): number {
    let corkedBytes = 0;
    for (const piece of this.#corkedPieces) corkedBytes += piece.length;
    return corkedBytes + this.#outgoing.bytesUnderway;
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler;
    this.#closeTold = false;
    this.#endTold = false;
    if (this.#peerEnded || this.#destroyed) queueMicrotask(() => this.#tell());
    this.#incoming.wake();
  }

  write(bytes: Uint8Array | string, encoding: "latin1" | "utf8" = "latin1"): boolean {
    if (this.#destroyed) return false;
    if (this.#ended) throw new UsageError("transport/write-after-end", "Cannot write: end() was called before");
    if (bytes.length > 0) {
      this.#corkedPieces.push(typeof bytes === "string" ? Buffer.from(bytes, encoding) : Buffer.from(bytes));
    }
    if (this.#corks === 0) this.#flush();
    if (this.bufferedBytes < this.#options.highWaterMark) return !this.#drainOwed;
    this.#drainOwed = true;
    return false;
  }

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    if (this.#corks > 0) this.#corks -= 1;
    if (this.#corks === 0 && !this.#destroyed) this.#flush();
  }

  end(): void {
    if (this.#ended || this.#destroyed) return;
    this.#corks = 0;
    this.#flush();
    this.#ended = true;
    this.#outgoing.end();
    if (this.#endTold) this.#close(undefined);
  }

  destroy(error?: Error): void {
    if (this.#destroyed) return;
    const resets = error !== undefined || this.#incoming.hasArrived;
    if (resets) this.#outgoing.reset();
    else {
      this.#corks = 0;
      this.#flush();
      this.#outgoing.end();
    }
    this.#close(error);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#incoming.wake();
  }

  /** There is no system resource that could keep the process alive. */
  ref(): void {}

  /** See {@link ref}. */
  unref(): void {}

  peer(): PeerInfo {
    return this.#options.peer;
  }

  // What the path says.

  /** A closed end takes everything, and answers it with a reset. */
  get accepting(): boolean {
    return this.#destroyed || (this.#handler !== undefined && !this.#paused);
  }

  onPathData(bytes: Buffer): void {
    if (this.#destroyed) {
      this.#outgoing.reset();
      return;
    }
    this.#options.log("data", bytes.length);
    this.#handler?.onData(bytes);
    if (this.lends) bytes.fill(POISON);
  }

  onPathEnd(): void {
    if (this.#destroyed) return;
    this.#options.log("end", 0);
    this.#peerEnded = true;
    this.#tell();
  }

  onPathReset(): void {
    if (this.#destroyed) return;
    this.#options.log("reset", 0);
    this.#close(systemError("ECONNRESET", "read"));
  }

  onPathEmpty(): void {
    this.#other?.onSent();
  }

  /** The other end has taken all that was written. */
  onSent(): void {
    if (this.#destroyed || !this.#drainOwed || this.#outgoing.bytesUnderway > 0) return;
    this.#drainOwed = false;
    this.#handler?.onDrain();
  }

  /** The network breaks the connection: both ends learn of it. */
  #breakOff(): void {
    this.#incoming.reset();
    this.#outgoing.reset();
  }

  #flush(): void {
    const pieces = this.#corkedPieces.splice(0);
    if (pieces.length > 0) this.#outgoing.send(Buffer.concat(pieces));
  }

  #tell(): void {
    if (this.#peerEnded && !this.#endTold && !this.#destroyed && this.#handler !== undefined) {
      this.#endTold = true;
      this.#handler.onEnd();
      if (this.#ended) this.#close(undefined);
    }
    if (!this.#destroyed || this.#closeTold || this.#handler === undefined) return;
    this.#closeTold = true;
    this.#handler.onClose(this.#failure);
  }

  #close(error: Error | undefined): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#failure = error;
    this.#corkedPieces.length = 0;
    this.#options.log("closed", 0);
    // What still comes is answered with a reset, or let pass.
    this.#incoming.wake();
    queueMicrotask(() => this.#tell());
  }
}

/** Named and coded as Node's own, because that is what users' code looks for. */
function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
