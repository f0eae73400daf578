/**
 * Iterates over what an inbox receives. Written out instead of as a generator: a message that is there costs one resolved promise, and
 * whoever leaves the loop does not take a message with him. The iterator itself is what waits in the box, so that a connection that
 * is idle in its loop owns little more than the loop's promise.
 */

import type { Inbox, Kept, Taker } from "./inbox.js";
import { refused } from "./quietly.js";

/** An inbox, as its readers see it. */
export interface InboxSource<Item extends Kept, Value> {
  readonly inbox: Inbox<Item>;
  /** Why there is nothing more, if that is not as it should be. Asked when the box has ended. */
  readonly failure: Error | undefined;
  /** The item as this kind of reader gets it. */
  shape(item: Item): Value | Promise<Value>;
  /** Something was taken, or somebody waits: there may be room for more. */
  onRead(): void;
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

type Resolve<Value> = (result: IteratorResult<Value, undefined> | Promise<IteratorResult<Value, undefined>>) => void;

/** What the constructor of a promise hands out, taken over in the next line: a closure less for each message. */
let captured: unknown;
const capture = (resolve: unknown): void => {
  captured = resolve;
};

/** One reader; several share the messages. */
export class InboxIterator<Item extends Kept, Value> implements AsyncIterableIterator<Value, undefined>, Taker<Item> {
  nextTaker: Taker<Item> | undefined = undefined;
  readonly #source: InboxSource<Item, Value>;
  #resolve: Resolve<Value> | undefined = undefined;
  #left = false;
  constructor(source: InboxSource<Item, Value>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Value, undefined>> {
    if (this.#left) return Promise.resolve(DONE);
    const source = this.#source;
    const item = source.inbox.take();
    if (item !== undefined) {
      const result = this.#resultOf(item);
      source.onRead();
      return Promise.resolve(result);
    }
    if (source.inbox.ended) return this.#ending();
    // A loop asks one after the other; whoever asks twice at once waits twice.
    if (this.#resolve !== undefined) return new InboxIterator(source).next();
    const promise = new Promise<IteratorResult<Value, undefined>>(capture);
    this.#resolve = captured as Resolve<Value>;
    source.inbox.wait(this);
    source.onRead();
    return promise;
  }

  /** Leaves what has not been taken to others, or to the next loop. */
  return(): Promise<IteratorResult<Value, undefined>> {
    this.#left = true;
    this.#source.inbox.leave(this);
    this.#settle(DONE);
    return Promise.resolve(DONE);
  }

  give(item: Item): void {
    this.#settle(this.#resultOf(item));
  }

  end(): void {
    this.#settle(this.#ending());
  }

  #settle(result: IteratorResult<Value, undefined> | Promise<IteratorResult<Value, undefined>>): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.(result);
  }

  #ending(): Promise<IteratorResult<Value, undefined>> {
    const { failure } = this.#source;
    return failure === undefined ? Promise.resolve(DONE) : refused(failure);
  }

  #resultOf(item: Item): IteratorResult<Value, undefined> | Promise<IteratorResult<Value, undefined>> {
    const value = this.#source.shape(item);
    return value instanceof Promise ? value.then(resultOf) : { value, done: false };
  }
}

function resultOf<Value>(value: Value): IteratorYieldResult<Value> {
  return { value, done: false };
}
