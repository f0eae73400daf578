/**
 * Two connections joined after a handshake: what either sends, the other is given, byte for byte, at its pace. Frames are not made anew:
 * masks, compression and sub-protocol are between client and origin, who agreed on them (decision 0026).
 *
 * Only their boundaries are followed, so that a tunnel that has to end can say so: a Close frame of our own, 1001 Going Away, goes to either
 * side between two frames (RFC 6455 §5.4 allows it between fragments, too), nothing after it, and the ends get a while to answer.
 */

import type { Clock } from "../../concurrency/clock.js";
import { CallbackDeadline } from "../../concurrency/deadline.js";
import type { Transport } from "../../net/transport.js";
import { TunnelHalf, type TunnelHalfOwner } from "./tunnel-half.js";

/** What a tunnel consists of. */
export interface TunnelParts {
  readonly client: TunnelEnd;
  readonly origin: TunnelEnd;
  readonly clock: Clock;
  /** Milliseconds without a byte either way from which on the tunnel is ended; at the latest after twice that. */
  readonly idleTimeout: number;
  /** Milliseconds in which both ends have to go when they were told to. */
  readonly closeTimeout: number;
  /** Four bytes nobody can foretell (RFC 6455 §5.3). */
  readonly mask: () => Uint8Array;
  /** Last call: both connections are gone, `bodyBytes` have been sent to the client. */
  readonly onEnd: (bodyBytes: number) => void;
}

/** One of two connections, and what has come on it already. */
export interface TunnelEnd {
  readonly transport: Transport;
  readonly rest: Uint8Array;
}

const GOING_AWAY = [0x03, 0xe9] as const;
const CLOSE_HEAD = 0x88;
const MASKED = 0x80;

/** Joins two connections; see the head of this file. */
export class Tunnel implements TunnelHalfOwner {
  readonly #parts: TunnelParts;
  readonly #toOrigin: TunnelHalf;
  readonly #toClient: TunnelHalf;
  readonly #deadline = new CallbackDeadline(() => this.#expire());
  #open = 2;
  #active = false;
  #ending = false;

  /** Has both connections from now on. */
  constructor(parts: TunnelParts) {
    this.#parts = parts;
    const { client, origin } = parts;
    this.#toOrigin = new TunnelHalf(this, client.transport, origin.transport);
    this.#toClient = new TunnelHalf(this, origin.transport, client.transport);
    this.#toOrigin.opposite = this.#toClient;
    this.#toClient.opposite = this.#toOrigin;
    parts.clock.arm(this.#deadline, parts.idleTimeout);
    this.#toOrigin.begin(client.rest);
    this.#toClient.begin(origin.rest);
  }

  /** Ends it, with 1001 to either side between two frames. */
  retire(): void {
    if (this.#ending || this.#open === 0) return;
    this.#ending = true;
    const { clock, closeTimeout, mask } = this.#parts;
    clock.arm(this.#deadline, closeTimeout);
    this.#toClient.closeWith(Uint8Array.of(CLOSE_HEAD, GOING_AWAY.length, ...GOING_AWAY));
    const key = mask();
    const masked = GOING_AWAY.map((byte, index) => byte ^ (key[index] ?? 0));
    this.#toOrigin.closeWith(Uint8Array.of(CLOSE_HEAD, MASKED | masked.length, ...key, ...masked));
  }

  // What the halves say.

  onActivity(): void {
    this.#active = true;
  }

  onGone(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#parts.clock.disarm(this.#deadline);
    this.#parts.onEnd(this.#toClient.passedBytes);
  }

  #expire(): void {
    if (this.#ending) {
      this.#parts.client.transport.destroy();
      this.#parts.origin.transport.destroy();
    } else if (this.#active) {
      this.#active = false;
      this.#parts.clock.arm(this.#deadline, this.#parts.idleTimeout);
    } else {
      this.retire();
    }
  }
}
