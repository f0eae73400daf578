/**
 * One connection of the pool between the link that works it and the plan that counts it. As a deadline it is its own keep-alive
 * time-out: armed while idle, disarmed while in use.
 */
import type { Clock } from "../concurrency/clock.js";
import { Deadline } from "../concurrency/deadline.js";
import { SluiceError } from "../errors.js";
import type { Http1Limits } from "../http1/limits.js";
import type { Transport } from "../net/transport.js";
import { Http1ClientLink, type LinkOwner } from "../wire/http1-client-link.js";
import type { PoolSlot } from "./pool-records.js";

/** The pool, as its connections see it. */
export interface ConnectionOwner {
  connectionReusable(connection: PooledConnection): void;
  connectionGone(connection: PooledConnection): void;
  /** It speaks another protocol now, and is not the pool's any more. */
  connectionUpgraded(connection: PooledConnection): void;
}

/** A link with its place in the plan. */
export class PooledConnection extends Deadline implements LinkOwner {
  readonly slot: PoolSlot<PooledConnection>;
  readonly link: Http1ClientLink;
  readonly #owner: ConnectionOwner;
  #resting = false;

  constructor(
    slot: PoolSlot<PooledConnection>,
    transport: Transport,
    limits: Readonly<Required<Http1Limits>>,
    owner: ConnectionOwner,
  ) {
    super();
    this.slot = slot;
    this.#owner = owner;
    this.link = new Http1ClientLink(transport, limits, this);
  }

  onReusable(): void {
    this.#owner.connectionReusable(this);
  }

  onGone(): void {
    this.#owner.connectionGone(this);
  }

  onUpgraded(): void {
    this.#owner.connectionUpgraded(this);
  }

  /** Idle from now on: it does not keep the process alive, and is closed in `timeoutMs`. */
  rest(clock: Clock, timeoutMs: number): void {
    this.#resting = true;
    this.link.transport.unref();
    clock.arm(this, timeoutMs);
  }

  /** In use again. */
  work(clock: Clock): void {
    if (!this.#resting) return;
    this.#resting = false;
    clock.disarm(this);
    this.link.transport.ref();
  }

  /** Idle for too long. */
  override expire(): void {
    if (this.link.usable) this.close();
  }

  /** Closes it; an exchange under way on it fails. */
  close(): void {
    this.link.destroy(new SluiceError("connection/closed-by-pool", "The connection was closed by its pool"));
  }
}
