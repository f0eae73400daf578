/**
 * Messages that have arrived and those who wait for one. What comes before anybody listens is kept; how much is kept is bounded by
 * whoever feeds the box, who asks `fullness` and stops reading. Several may wait: first come, first served.
 *
 * An idle connection has an empty box, so the box owns nothing until something is put into it.
 */

import { Fifo, type FifoNode } from "../../concurrency/fifo.js";

/** A whole message: text as a string, anything else as bytes that are the receiver's own. */
export type Message = string | Uint8Array;

/** Somebody who waits for a message. Exactly one of the two is called, once. */
export interface Taker {
  give(message: Message): void;
  /** There will be none. */
  end(): void;
}

/** What a kept message costs besides its own bytes: empty ones must not be free (measured: 50 to 70 bytes). */
const MESSAGE_COST = 64;
/** Taken places are cut off the array's front when there are this many of them, and they are half of it. */
const COMPACT_AT = 64;
const NONE: Message[] = [];

/** First in, first out; see above. */
export class Inbox {
  #kept: (Message | undefined)[] = NONE;
  #taken = 0;
  #cost = 0;
  #first: Taker | undefined = undefined;
  /** Whoever waits behind the first. */
  #others: Fifo<Taker> | undefined = undefined;
  #ended = false;

  /** Bytes of the messages kept, with something for each. */
  get cost(): number {
    return this.#cost;
  }

  get size(): number {
    return this.#kept.length - this.#taken;
  }

  /** Whether somebody waits. */
  get awaited(): boolean {
    return this.#first !== undefined;
  }

  /** Whether {@link end} was called. What is kept can still be taken. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Gives `message` to who has waited longest, or keeps it. */
  push(message: Message): void {
    const taker = this.#shiftTaker();
    if (taker !== undefined) {
      taker.give(message);
      return;
    }
    if (this.#kept === NONE) this.#kept = [];
    this.#kept.push(message);
    this.#cost += MESSAGE_COST + message.length;
  }

  /** The message that has been kept longest; undefined if there is none. */
  take(): Message | undefined {
    const message = this.#kept[this.#taken];
    if (message === undefined) return undefined;
    this.#cost -= MESSAGE_COST + message.length;
    this.#kept[this.#taken] = undefined;
    this.#taken += 1;
    if (this.#taken === this.#kept.length) {
      this.#kept.length = 0;
      this.#taken = 0;
    } else if (this.#taken >= COMPACT_AT && this.#taken * 2 >= this.#kept.length) {
      this.#kept.splice(0, this.#taken);
      this.#taken = 0;
    }
    return message;
  }

  /** Only while nothing is kept and the box has not ended. */
  wait(taker: Taker): void {
    if (this.#first === undefined) {
      this.#first = taker;
      return;
    }
    this.#others ??= new Fifo();
    this.#others.push(taker);
  }

  /** `taker` does not wait any longer. */
  leave(taker: Taker): void {
    if (this.#first === taker) {
      this.#first = this.#others?.shift();
      return;
    }
    const node = this.#nodeOf(taker);
    if (node !== undefined) this.#others?.remove(node);
  }

  /** No more messages: tells all who wait. */
  end(): void {
    this.#ended = true;
    for (let taker = this.#shiftTaker(); taker !== undefined; taker = this.#shiftTaker()) taker.end();
  }

  #shiftTaker(): Taker | undefined {
    const taker = this.#first;
    if (taker !== undefined) this.#first = this.#others?.shift();
    return taker;
  }

  #nodeOf(taker: Taker): FifoNode<Taker> | undefined {
    return undefined;
  }
}
