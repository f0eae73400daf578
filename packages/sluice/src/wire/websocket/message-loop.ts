/**
 * Gives what an inbox receives to a function. A loop over an iterator does the same in words of the language, and while it waits the engine
 * keeps its function, where it stopped, and promises for both: a thousand bytes for each socket that has nothing to say. This waits as one
 * object, which is the promise of its end, too: a native one is made when somebody asks.
 *
 * Messages are given in a microtask, all that one packet has brought in the same one: a function that closes or breaks the connection does
 * not do so in the midst of its reading.
 */

import { isThenable } from "../../concurrency/thenable.js";
import type { Kept, Taker } from "./inbox.js";
import type { InboxSource } from "./inbox-iterator.js";
import { quietly } from "./quietly.js";

/** What the platform's promises call a reason. */
type Reason = Parameters<NonNullable<Parameters<Promise<unknown>["then"]>[1]>>[0];

/** Whoever is told of a loop's end without a promise. One of the two is called, once. */
export interface LoopFollower {
  /** There are no more messages. */
  onLoopEnd(): void;
  /** The connection broke off, or the function threw. */
  onLoopFail(error: unknown): void;
}

/** How a loop ended. */
type LoopEnd = { readonly failed: false } | { readonly failed: true; readonly error: unknown };

const NO_MORE: LoopEnd = { failed: false };

/** See the head of this file. Shares the messages with other readers of the box. */
export class MessageLoop<Item extends Kept, Value> implements Promise<undefined>, Taker<Item> {
  nextTaker: Taker<Item> | undefined = undefined;
  readonly #source: InboxSource<Item, Value>;
  readonly #listener: (value: Value) => unknown;
  #follower: LoopFollower | undefined = undefined;
  #promise: Promise<undefined> | undefined = undefined;
  #settle: (() => void) | undefined = undefined;
  #end: LoopEnd | undefined = undefined;

  /**
   * Calls `listener` with one message after the other, and with the next when the promise it returned has resolved. Resolves when there are no
   * more; rejects with why the connection broke off, or with what `listener` threw, and takes nothing more then.
   */
  constructor(source: InboxSource<Item, Value>, listener: (value: Value) => unknown) {
    this.#source = source;
    this.#listener = listener;
    this.#goOn(source.inbox.take());
  }

  get [Symbol.toStringTag](): string {
    return "MessageLoop";
  }

  /** Tells `follower` of the end, at once if it was; whoever awaits is told as well. */
  follow(follower: LoopFollower): void {
    this.#follower = follower;
    if (this.#end === undefined) return;
    // It was rejected while nobody had asked.
    if (this.#promise !== undefined) void quietly(this.#promise);
    tell(follower, this.#end);
  }

  // biome-ignore lint/suspicious/noThenProperty: being a promise is what is returned for
  then<Fulfilled = undefined, Rejected = never>(
    onFulfilled?: ((value: undefined) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: Reason) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#outcome().then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: Reason) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<undefined | Rejected> {
    return this.#outcome().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<undefined> {
    return this.#outcome().finally(onFinally);
  }

  give(item: Item): void {
    queueMicrotask(() => this.#goOn(item));
  }

  end(): void {
    const { failure } = this.#source;
    this.#finish(failure === undefined ? NO_MORE : { failed: true, error: failure });
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
          (error: unknown) => this.#finish({ failed: true, error }),
        );
        return;
      }
    } catch (error) {
      this.#finish({ failed: true, error });
      return;
    }
    if (inbox.ended) {
      this.end();
      return;
    }
    inbox.wait(this);
    source.onRead();
  }

  #outcome(): Promise<undefined> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#settle = () => {
        if (this.#end?.failed === true) reject(this.#end.error);
        else resolve(undefined);
      };
      if (this.#end !== undefined) this.#settle();
    });
    return this.#promise;
  }

  #finish(end: LoopEnd): void {
    this.#end = end;
    this.#settle?.();
    if (this.#follower !== undefined) tell(this.#follower, end);
    // As with any promise, a failure that nobody has asked for is heard of.
    else if (end.failed) void this.#outcome();
  }
}

function tell(follower: LoopFollower, end: LoopEnd): void {
  if (end.failed) follower.onLoopFail(end.error);
  else follower.onLoopEnd();
}
