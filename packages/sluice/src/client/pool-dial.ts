/**
 * One dial of the pool, from the plan's wish to a transport or an error: the `connect` limit over everything it takes, another
 * try when no file descriptor was left, and what traces and timings want to know. A dial may outlive the exchange it was begun
 * for and serve another: its time runs here, and what happens is told to whoever owns it then.
 */
import type { Clock } from "../concurrency/clock.js";
import { CallbackDeadline, Deadline } from "../concurrency/deadline.js";
import { RequestTimeoutError, SluiceError } from "../errors.js";
import type { DialEvents, DialTarget } from "../net/dial.js";
import { errorCodeOf } from "../net/error-code.js";
import type { Transport } from "../net/transport.js";
import { dialEvents } from "./dial-events.js";
import type { Exchange } from "./exchange.js";
import type { Route } from "./proxy/route.js";

/** Pause before dialing again when the process or the system has no file descriptor left. */
const DESCRIPTOR_PAUSE_MS = 100;

/** Where a dial of the pool leads. */
export interface PoolTarget extends DialTarget {
  /** Undefined: straight to the origin. */
  readonly route?: Route | undefined;
}

/** Opens connections: the dialer, or whatever stands in for it. */
export interface PoolDialer {
  /** `limitMs`: when the dial will be cancelled, for whoever has to know beforehand. */
  dial(target: PoolTarget, events: DialEvents, done: PoolDialDone, limitMs: number): PoolDialing;
}

/** A dial under way. */
export interface PoolDialing {
  cancel(reason: Error): void;
}

/** Hears the end of a dial, with one of the two. */
export type PoolDialDone = (error: Error | undefined, transport: Transport | undefined) => void;

/** What a dial needs of its pool. */
export interface PoolDialParts {
  readonly clock: Clock;
  readonly dialer: PoolDialer;
  readonly target: PoolTarget;
  /** Milliseconds for everything, waiting for a descriptor included. */
  readonly limitMs: number;
  /** The exchange it is for, now: it may change, or be none. */
  readonly owner: () => Exchange | undefined;
  /** There is no file descriptor left: whatever can be spared is to be closed. */
  readonly freeDescriptors: () => void;
  readonly done: PoolDialDone;
}

/** A dial under way. As a deadline it is its own `connect` time-out. */
export class PoolDial extends Deadline {
  readonly #parts: PoolDialParts;
  readonly #events: DialEvents;
  readonly #pause = new CallbackDeadline(() => this.#try());
  #dialing: PoolDialing | undefined;
  #lastError: Error | undefined;
  #over = false;

  constructor(parts: PoolDialParts) {
    super();
    this.#parts = parts;
    const { target, owner, clock } = parts;
    this.#events = dialEvents(target.proxy?.host ?? target.host, owner, clock);
  }

  begin(): void {
    const { clock, limitMs } = this.#parts;
    clock.arm(this, limitMs);
    this.#try();
  }

  /** The `connect` limit has passed. */
  override expire(): void {
    const { limitMs } = this.#parts;
    const message = `Timed out after ${limitMs} ms connecting (timeout.connect)`;
    this.cancel(new RequestTimeoutError("timeout.connect", message, { phase: "connect", cause: this.#lastError }));
  }

  /** Gives up; `done` hears `reason`. */
  cancel(reason: Error): void {
    if (this.#over) return;
    // Waiting for a descriptor there is nothing to cancel, and nobody who would tell of the end.
    if (this.#dialing === undefined) this.#finish(reason, undefined);
    else this.#dialing.cancel(reason);
  }

  #try(): void {
    const { dialer, target, limitMs } = this.#parts;
    this.#dialing = dialer.dial(target, this.#events, (error, transport) => this.#tried(error, transport), limitMs);
  }

  #tried(error: Error | undefined, transport: Transport | undefined): void {
    this.#dialing = undefined;
    if (this.#over) return;
    if (error === undefined || errorCodeOf(error) !== "connect/too-many-files") {
      this.#finish(error, transport);
      return;
    }
    this.#lastError = error;
    this.#parts.freeDescriptors();
    // Nothing else may hold the process open while it waits.
    if (!this.#over) this.#parts.clock.arm(this.#pause, DESCRIPTOR_PAUSE_MS, true);
  }

  #finish(error: Error | undefined, transport: Transport | undefined): void {
    this.#over = true;
    const { clock, done } = this.#parts;
    clock.disarm(this);
    clock.disarm(this.#pause);
    if (transport !== undefined) done(undefined, transport);
    else done(error ?? new SluiceError("connect/failed", "The connection could not be made"), undefined);
  }
}
