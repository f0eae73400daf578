/**
 * Happy eyeballs (RFC 8305): several addresses of one host are tried, a little after each other, and the first connection
 * wins. Decides order and moments only; what an attempt is, the caller says, so that it runs without sockets in tests.
 *
 * §4: families alternate, beginning with the family that the resolver put first (its order is RFC 6724's, which knows
 * whether this machine has IPv6 at all). §5: the next attempt starts when the delay is over or when an attempt fails,
 * whichever comes first; attempts under way go on meanwhile.
 */

import type { Clock } from "../concurrency/clock.js";
import { Deadline } from "../concurrency/deadline.js";

/** An IP address literal and its family. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** One attempt under way. */
export interface Attempt {
  /** Ends it without an outcome: nothing may be reported afterwards, and nothing may stay open. */
  abandon(): void;
}

/** Reports how one attempt ended, once: with an error or a winner. May be called before `start` returns. */
export type AttemptOutcome<Winner> = (error: Error | undefined, winner: Winner | undefined) => void;

/** Who races, at what pace, and who is told. */
export interface RaceOptions<Winner> {
  readonly clock: Clock;
  /** Milliseconds between attempts; `Infinity`: the next one only when the one before has failed. */
  readonly delayMs: number;
  /** In the order in which they are to be tried. */
  readonly addresses: readonly ResolvedAddress[];
  start(address: ResolvedAddress, outcome: AttemptOutcome<Winner>): Attempt;
  /** Called once unless cancelled: with the winner, or with the failure of each address in the order of failing. */
  done(winner: Winner | undefined, failures: readonly Error[]): void;
}

interface Runner {
  attempt: Attempt | undefined;
  settled: boolean;
}

/** One race. Its own deadline is the delay until the next attempt. */
export class AddressRace<Winner> extends Deadline {
  readonly #options: RaceOptions<Winner>;
  readonly #running = new Set<Runner>();
  readonly #failures: Error[] = [];
  #nextIndex = 0;
  #starting = false;
  #over = false;

  constructor(options: RaceOptions<Winner>) {
    super();
    this.#options = options;
  }

  /** Starts the first attempt. */
  begin(): void {
    this.#startNext();
  }

  /** Abandons all attempts; `done` is not called. */
  cancel(): void {
    this.#end();
  }

  /** The delay is over without a winner. */
  override expire(): void {
    this.#startNext();
  }

  #startNext(): void {
    const { addresses, clock, delayMs } = this.#options;
    this.#starting = true;
    let running = false;
    // A loop and not a recursion: a long list of addresses that all fail at once must not deepen the stack.
    for (let next = addresses[this.#nextIndex]; next !== undefined && !running && !this.#over; ) {
      this.#nextIndex += 1;
      running = this.#start(next);
      next = addresses[this.#nextIndex];
    }
    this.#starting = false;
    if (this.#over) return;
    if (this.#nextIndex < addresses.length) clock.arm(this, delayMs);
    else clock.disarm(this);
    if (this.#running.size === 0) this.#finish(undefined);
  }

  /** True if the attempt is under way, false if it has ended within the call. */
  #start(address: ResolvedAddress): boolean {
    const runner: Runner = { attempt: undefined, settled: false };
    const attempt = this.#options.start(address, (error, winner) => this.#settle(runner, error, winner));
    if (runner.settled) return false;
    if (this.#over) {
      attempt.abandon();
      return false;
    }
    runner.attempt = attempt;
    this.#running.add(runner);
    return true;
  }

  #settle(runner: Runner, error: Error | undefined, winner: Winner | undefined): void {
    if (runner.settled || this.#over) return;
    runner.settled = true;
    this.#running.delete(runner);
    if (winner !== undefined) {
      this.#finish(winner);
      return;
    }
    if (error !== undefined) this.#failures.push(error);
    if (!this.#starting) this.#startNext();
  }

  #finish(winner: Winner | undefined): void {
    this.#end();
    this.#options.done(winner, this.#failures);
  }

  #end(): void {
    this.#over = true;
    this.#options.clock.disarm(this);
    for (const runner of this.#running) runner.attempt?.abandon();
    this.#running.clear();
  }
}

/** RFC 8305 §4 with a First Address Family Count of 1: the two families in turn, each in its own order. */
export function interleaveFamilies(addresses: readonly ResolvedAddress[]): readonly ResolvedAddress[] {
  const firstFamily = addresses[0]?.family;
  const first = addresses.filter(({ family }) => family === firstFamily);
  if (first.length === addresses.length) return addresses;
  const second = addresses.filter(({ family }) => family !== firstFamily);
  const interleaved: ResolvedAddress[] = [];
  for (let index = 0; index < Math.max(first.length, second.length); index += 1) {
    interleaved.push(...first.slice(index, index + 1), ...second.slice(index, index + 1));
  }
  return interleaved;
}
