/**
 * The exchanges of one connection in the order of their requests, which is the order of their answers (RFC 9112 §9.3.2), and the
 * rule by which pipelined requests are handed to the application: together as long as all of them are safe, because their order
 * does not matter then, otherwise one after the other. A list through the exchanges themselves: nothing is allocated,
 * everything is O(1).
 */

import { isSafe } from "../http/methods.js";
import type { Http1Exchange } from "./http1-exchange.js";

/** First in, first answered. */
export class ExchangeQueue {
  #head: Http1Exchange | undefined;
  #tail: Http1Exchange | undefined;
  /** The first that was not handed out. */
  #waiting: Http1Exchange | undefined;
  #length = 0;

  /** The one whose answer is to leave next. */
  get head(): Http1Exchange | undefined {
    return this.#head;
  }

  get length(): number {
    return this.#length;
  }

  push(exchange: Http1Exchange): void {
    if (this.#tail === undefined) this.#head = exchange;
    else this.#tail.next = exchange;
    this.#tail = exchange;
    this.#waiting ??= exchange;
    this.#length += 1;
  }

  /** Removes the head, answered or not. */
  shift(): Http1Exchange | undefined {
    const head = this.#head;
    if (head === undefined) return undefined;
    this.#head = head.next;
    if (this.#waiting === head) this.#waiting = head.next;
    if (this.#tail === head) this.#tail = undefined;
    head.next = undefined;
    this.#length -= 1;
    return head;
  }

  /** The next exchange that may be given to the application now, once each; those answered already are passed over. */
  takeDispatchable(): Http1Exchange | undefined {
    while (this.#waiting?.answer !== undefined) this.#waiting = this.#waiting.next;
    const exchange = this.#waiting;
    if (exchange === undefined || !this.#mayRun(exchange)) return undefined;
    this.#waiting = exchange.next;
    return exchange;
  }

  /** RFC 9112 §9.3.2. All between the head and the first that waits are safe, or they would be waiting. */
  #mayRun(exchange: Http1Exchange): boolean {
    const head = this.#head;
    return exchange === head || head === undefined || (isSafe(exchange.method) && isSafe(head.method));
  }
}
