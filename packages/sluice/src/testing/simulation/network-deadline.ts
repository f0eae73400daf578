/** Deadlines of the network itself, counted apart: what is left over is armed by clients and servers. */

import type { Clock } from "../../concurrency/clock.js";
import { Deadline } from "../../concurrency/deadline.js";

/** The time of a network, and how many of its own deadlines are armed. */
export interface NetworkTime {
  readonly clock: Clock;
  armedByNetwork: number;
}

/** Something that the network will do. */
export abstract class NetworkDeadline extends Deadline {
  readonly #time: NetworkTime;

  constructor(time: NetworkTime) {
    super();
    this.#time = time;
  }

  /** Called when the time has come; it is disarmed by then. */
  protected abstract due(): void;

  override expire(): void {
    this.#time.armedByNetwork -= 1;
    this.due();
  }

  protected arm(delayMs: number): void {
    if (!this.armed) this.#time.armedByNetwork += 1;
    this.#time.clock.arm(this, delayMs);
  }

  protected disarm(): void {
    if (this.armed) this.#time.armedByNetwork -= 1;
    this.#time.clock.disarm(this);
  }
}

class Pause extends NetworkDeadline {
  readonly #ended: () => void;

  constructor(time: NetworkTime, delayMs: number, ended: () => void) {
    super(time);
    this.#ended = ended;
    this.arm(delayMs);
  }

  protected override due(): void {
    this.#ended();
  }
}

/** Resolves in so many milliseconds of the network's time. */
export function pause(time: NetworkTime, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    new Pause(time, delayMs, resolve);
  });
}
