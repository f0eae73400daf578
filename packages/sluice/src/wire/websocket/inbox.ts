/**
 * Messages that have arrived and those who wait for one. What comes before anybody listens is kept; how much is kept is bounded by
 * whoever feeds the box, who looks at its `cost` and stops reading. Several may wait: first come, first served.
 *
 * Most connections are idle, and their boxes empty: a box owns nothing until something is put into it, and who waits is linked
 * in directly.
 */

/** A whole message: text as a string, anything else as bytes that are the receiver's own. */
export type Message = string | Uint8Array;

/** What a box can hold. */
export interface Kept {
  /** Bytes that it takes while it is kept; of text, characters. */
  readonly length: number;
}

/** Somebody who waits for a message: told one of the two, once. */
export interface Taker<T extends Kept> {
  /** Who waits behind. Kept by the box. */
  nextTaker: Taker<T> | undefined;
  give(message: T): void;
  /** There will be none. */
  end(): void;
}

/** What a kept message costs besides its own bytes, so that empty ones are not free. */
const MESSAGE_COST = 64;
/** Taken places are cut off the array's front when there are this many of them, and they are half of it. */
const COMPACT_AT = 64;

/** First in, first out; see above. */
export class Inbox<T extends Kept> {
  #kept: (T | undefined)[] | undefined = undefined;
  #taken = 0;
  #cost = 0;
  #firstTaker: Taker<T> | undefined = undefined;
  #ended = false;

  /** Bytes of the messages kept, with something for each; of text, its characters. */
  get cost(): number {
    return this.#cost;
  }

  /** Messages kept. */
  get size(): number {
    return this.#kept === undefined ? 0 : this.#kept.length - this.#taken;
  }

  /** Whether somebody waits. */
  get awaited(): boolean {
    return this.#firstTaker !== undefined;
  }

  /** Whether {@link end} was called. What is kept can still be taken. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Gives `message` to who has waited longest, or keeps it. */
  push(message: T): void {
    const taker = this.#firstTaker;
    if (taker === undefined) {
      this.#keep(message);
      return;
    }
    this.#dropFirstTaker(taker);
    taker.give(message);
  }

  /** The message that has been kept longest; undefined if there is none. */
  take(): T | undefined {
    const kept = this.#kept;
    const message = kept?.[this.#taken];
    if (kept === undefined || message === undefined) return undefined;
    this.#cost -= MESSAGE_COST + message.length;
    kept[this.#taken] = undefined;
    this.#taken += 1;
    if (this.#taken === kept.length) {
      kept.length = 0;
      this.#taken = 0;
    } else if (this.#taken >= COMPACT_AT && this.#taken * 2 >= kept.length) {
      kept.splice(0, this.#taken);
      this.#taken = 0;
    }
    return message;
  }

  /** Only while nothing is kept and the box has not ended. */
  wait(taker: Taker<T>): void {
    taker.nextTaker = undefined;
    let last = this.#firstTaker;
    if (last === undefined) {
      this.#firstTaker = taker;
      return;
    }
    while (last.nextTaker !== undefined) last = last.nextTaker;
    last.nextTaker = taker;
  }

  /** `taker` does not wait any longer. O(those who wait before it). */
  leave(taker: Taker<T>): void {
    if (this.#firstTaker === taker) {
      this.#dropFirstTaker(taker);
      return;
    }
    let before = this.#firstTaker;
    while (before !== undefined && before.nextTaker !== taker) before = before.nextTaker;
    if (before === undefined) return;
    before.nextTaker = taker.nextTaker;
    taker.nextTaker = undefined;
  }

  /** No more messages: tells all who wait. */
  end(): void {
    this.#ended = true;
    for (let taker = this.#firstTaker; taker !== undefined; taker = this.#firstTaker) {
      this.#dropFirstTaker(taker);
      taker.end();
    }
  }

  #keep(message: T): void {
    this.#kept ??= [];
    this.#kept.push(message);
    this.#cost += MESSAGE_COST + message.length;
  }

  #dropFirstTaker(taker: Taker<T>): void {
    this.#firstTaker = taker.nextTaker;
    taker.nextTaker = undefined;
  }
}
