/**
 * Gives what an inbox receives to a function. A loop over an iterator does the same in words of the language, and while it waits the engine
 * keeps its function, where it stopped, and three promises for it: a thousand bytes for each socket that has nothing to say. This
 * waits as one object and the promise of its end.
 *
 * Messages are given in a microtask, all that one packet has brought in the same one: a function that closes or breaks the connection does
 * not do so in the midst of its reading.
 */

import { isThenable } from "../../concurrency/thenable.js";
import type { Kept, Taker } from "./inbox.js";
import type { InboxSource } from "./inbox-iterator.js";
import { refused } from "./quietly.js";

type Resolve = (end: undefined | Promise<never>) => void;

/** What the constructor of a promise hands out, taken over in the next line. */
let captured: unknown;
const capture = (resolve: unknown): void => {
  captured = resolve;
};

/** See the head of this file. Shares the messages with other readers of the box. */
export class MessageLoop<Item extends Kept, Value> implements Taker<Item> {
  nextTaker: Taker<Item> | undefined = undefined;
  readonly #source: InboxSource<Item, Value>;
  readonly #listener: (value: Value) => unknown;
  readonly #resolve: Resolve;

  private constructor(source: InboxSource<Item, Value>, listener: (value: Value) => unknown, resolve: Resolve) {
    this.#source = source;
    this.#listener = listener;
    this.#resolve = resolve;
  }

  /**
   * Calls `listener` with one message after the other, and with the next when the promise it returned has resolved. Resolves when there are no
   * more; rejects with why the connection broke off, or with what `listener` threw, and takes nothing more then.
   */
  static run<Item extends Kept, Value>(
    source: InboxSource<Item, Value>,
    listener: (value: Value) => unknown,
  ): Promise<void> {
    const promise = new Promise<undefined>(capture);
    new MessageLoop(source, listener, captured as Resolve).#goOn(source.inbox.take());
    return promise;
  }

  give(item: Item): void {
    queueMicrotask(() => this.#goOn(item));
  }

  end(): void {
    const { failure } = this.#source;
    this.#resolve(failure === undefined ? undefined : refused(failure));
  }

  #goOn(first: Item | undefined): void {
    const source = this.#source;
    const listener = this.#listener;
    const { inbox } = source;
    try {
      for (let item = first; item !== undefined; item = inbox.take()) {
        const value = source.shape(item);
        source.onRead();
        const outcome = value instanceof Promise ? value.then(listener) : listener(value);
        if (!isThenable(outcome)) continue;
        outcome.then(
          () => this.#goOn(inbox.take()),
          (error: unknown) => this.#fail(error),
        );
        return;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (inbox.ended) {
      this.end();
      return;
    }
    inbox.wait(this);
    source.onRead();
  }

  #fail(error: unknown): void {
    this.#resolve(refused(error));
  }
}
