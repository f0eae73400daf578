/** A connection without a network: whatever is asked, the same bytes come back, cut as the row wants them. */
import type { PeerInfo, Transport, TransportHandler } from "sluice";

const NOBODY: PeerInfo = {
  remoteAddress: undefined,
  remotePort: undefined,
  localAddress: undefined,
  localPort: undefined,
  tls: undefined,
};

export class CannedTransport implements Transport {
  readonly lends = true;
  readonly bufferedBytes = 0;
  destroyed = false;
  readonly #pieces: readonly Uint8Array[];
  #handler: TransportHandler | undefined = undefined;
  #next: number;
  #paused = false;

  /** Each request is answered with all `pieces`, in order. A request must be one write. */
  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
    this.#next = pieces.length;
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler;
  }

  write(): boolean {
    this.#next = 0;
    queueMicrotask(() => this.#deliver());
    return true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#next < this.#pieces.length) queueMicrotask(() => this.#deliver());
  }

  destroy(error?: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    queueMicrotask(() => this.#handler?.onClose(error));
  }

  end(): void {
    this.destroy();
  }

  peer(): PeerInfo {
    return NOBODY;
  }

  // Nothing to collect, and nothing that keeps a process alive.
  cork(): void {}
  uncork(): void {}
  ref(): void {}
  unref(): void {}

  #deliver(): void {
    while (!this.#paused && !this.destroyed) {
      const piece = this.#pieces[this.#next];
      if (piece === undefined) return;
      this.#next += 1;
      this.#handler?.onData(piece);
    }
  }
}
