/**
 * What a pool knows of bodies that nobody reads. An unread body never silently costs a connection: small ones are taken into
 * memory as they arrive, within a share that all of them have in common; an exchange with a larger one stands still, and while
 * others wait for a place the one that has stood for longest is given up after {@link UNREAD_GRACE_MS}.
 */
import type { Clock } from "../concurrency/clock.js";
import { CallbackDeadline } from "../concurrency/deadline.js";

/**
 * How long a reader may take to begin with a body larger than what is taken in unread, while others wait for its connection.
 * Long enough for a reader that opens a file first, short enough that a thousand forgotten bodies do not hold a program up.
 */
export const UNREAD_GRACE_MS = 250;

/** An exchange whose connection stands still because nobody reads its body. */
export interface Standing {
  /** Ends it; whoever comes to read the body is told `why`. */
  giveUpUnread(why: string): void;
}

/** The pool, as far as unread bodies concern it. */
export interface UnreadHost<Stander extends Standing> {
  /** How many wait for a connection. */
  waitingCount(): number;
  /** Whether one of them could go on if this one's connection were gone. */
  isWanted(stander: Stander): boolean;
}

/** The account of one pool's unread bodies; the longest-standing come first. */
export class UnreadBodies<Stander extends Standing = Standing> {
  readonly #clock: Clock;
  readonly #memoryBytes: number;
  readonly #host: UnreadHost<Stander>;
  readonly #since = new Map<Stander, number>();
  readonly #reclaim = new CallbackDeadline(() => this.#reclaimPlaces());
  #heldBytes = 0;

  /** `memoryBytes`: what all bodies together may hold unread. */
  constructor(clock: Clock, memoryBytes: number, host: UnreadHost<Stander>) {
    this.#clock = clock;
    this.#memoryBytes = memoryBytes;
    this.#host = host;
  }

  /** So many more bytes are held in memory (negative: no longer). False when the common share is used up. */
  hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    return this.#heldBytes <= this.#memoryBytes;
  }

  /** It stands still from now on. */
  stands(stander: Stander): void {
    this.#since.set(stander, this.#clock.now());
    this.placesWanted();
  }

  /** It is read now, or over. */
  moves(stander: Stander): void {
    this.#since.delete(stander);
    if (this.#since.size === 0) this.#clock.disarm(this.#reclaim);
  }

  /** To be called when somebody has begun to wait for a connection. */
  placesWanted(): void {
    if (this.#reclaim.armed || this.#host.waitingCount() === 0) return;
    const [longest] = this.#since.values();
    if (longest === undefined) return;
    this.#clock.arm(this.#reclaim, Math.max(0, longest + UNREAD_GRACE_MS - this.#clock.now()));
  }

  #reclaimPlaces(): void {
    const now = this.#clock.now();
    let wanted = this.#host.waitingCount();
    let later: number | undefined;
    for (const [stander, since] of this.#since) {
      if (wanted === 0) return;
      // The same sum as the one the deadline was armed by: another, rounded differently, might never find it due.
      const until = since + UNREAD_GRACE_MS;
      if (until > now) {
        later = until;
        break;
      }
      if (!this.#host.isWanted(stander)) continue;
      wanted -= 1;
      stander.giveUpUnread("others waited for its connection");
    }
    if (later !== undefined && wanted > 0) this.#clock.arm(this.#reclaim, later - now);
  }
}
