/**
 * A queue between producers and consumers that run at different speeds: putting waits while it is full, taking waits while
 * it is empty, each in arrival order. An item is never lost between the two: a consumer that gives up waiting takes none.
 */
import { TaskError, UsageError } from "../errors.js";
import { onAbort } from "./abort.js";
import { Fifo, type FifoNode } from "./fifo.js";

interface Producer<T> {
  readonly item: T;
  settle(error: unknown, accepted: boolean): void;
}

interface Consumer<T> {
  give(result: IteratorResult<T, undefined>): void;
  fail(error: unknown): void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Items on their way from producers to consumers, `capacity` of them at most. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly capacity: number;
  readonly #items = new Fifo<T>();
  readonly #producers = new Fifo<Producer<T>>();
  readonly #consumers = new Fifo<Consumer<T>>();
  #closed = false;
  /** Boxed, because any value may be a reason. */
  #cancelled: { readonly reason: unknown } | undefined;

  /**
   * `capacity`: items held before putting waits, 1 or more, `Infinity` (the default) for no limit. Throws UsageError
   * `options/out-of-range`.
   */
  constructor(capacity = Number.POSITIVE_INFINITY) {
    if (!(Number.isInteger(capacity) || capacity === Number.POSITIVE_INFINITY) || capacity < 1) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot create a queue: expected a whole capacity, 1 or more, received ${capacity}`,
      );
    }
    this.capacity = capacity;
  }

  /** Items that have been put and not taken. */
  get size(): number {
    return this.#items.size;
  }

  /** True after {@link close} or {@link cancel}. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Resolves when the queue has taken the item. Rejects, and the item is not in the queue, with the reason of `signal` or of
   * {@link cancel}, or with TaskError `queue/closed`.
   */
  put(item: T, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(this.#closedReason());
    if (this.#accept(item)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const node = this.#producers.push({
        item,
        settle: (error, accepted) => {
          stopListening();
          if (accepted) resolve();
          else reject(error);
        },
      });
      const stopListening = onAbort(signal, (reason) => {
        this.#producers.remove(node);
        reject(reason);
      });
    });
  }

  /** Puts the item if there is room for it now; false when there is none or the queue is closed. */
  tryPut(item: T): boolean {
    return !this.#closed && this.#accept(item);
  }

  /**
   * Resolves with the item that has been in the queue longest, as soon as there is one. Rejects with the reason of `signal` or of
   * {@link cancel}; with TaskError `queue/closed` when the queue is closed and empty.
   */
  async take(signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) throw signal.reason;
    const result = await this.#next(signal, undefined);
    if (result.done) throw this.#closedReason();
    return result.value;
  }

  /** The item that {@link take} would give, or `undefined` if it would have to wait. */
  tryTake(): T | undefined {
    const item = this.#items.shift();
    this.#letProducerIn();
    return item;
  }

  /** No more items: those in the queue can still be taken, iteration ends after them; a `put` that waits rejects. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dismiss((consumer) => consumer.give(DONE));
  }

  /** Ends the queue at once: its items are dropped, and whoever waits or comes later is rejected with `reason`. */
  cancel(reason: unknown): void {
    if (this.#cancelled !== undefined) return;
    this.#closed = true;
    this.#cancelled = { reason };
    while (this.#items.size > 0) this.#items.shift();
    this.#dismiss((consumer) => consumer.fail(reason));
  }

  /**
   * Takes items until the queue is closed and empty; throws the reason if it is cancelled. Leaving the loop leaves the other
   * items in the queue, and several loops share them.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    const waits = new Set<FifoNode<Consumer<T>>>();
    const iterator: AsyncIterableIterator<T, undefined> = {
      next: () => this.#next(undefined, waits),
      return: () => {
        for (const node of waits) {
          this.#consumers.remove(node);
          node.value.give(DONE);
        }
        return Promise.resolve(DONE);
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #next(
    signal: AbortSignal | undefined,
    waits: Set<FifoNode<Consumer<T>>> | undefined,
  ): Promise<IteratorResult<T, undefined>> {
    if (this.#cancelled !== undefined) return Promise.reject(this.#cancelled.reason);
    if (this.#items.size > 0) return Promise.resolve({ done: false, value: this.tryTake() as T });
    if (this.#closed) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      const leave = () => {
        stopListening();
        waits?.delete(node);
      };
      const node = this.#consumers.push({
        give: (result) => {
          leave();
          resolve(result);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      });
      waits?.add(node);
      const stopListening = onAbort(signal, (reason) => {
        this.#consumers.remove(node);
        reject(reason);
      });
    });
  }

  /** Gives the item to the consumer that has waited longest, or keeps it if there is room. */
  #accept(item: T): boolean {
    const consumer = this.#consumers.shift();
    if (consumer !== undefined) {
      consumer.give({ done: false, value: item });
      return true;
    }
    if (this.#items.size >= this.capacity) return false;
    this.#items.push(item);
    return true;
  }

  /** After an item was taken: the producer that has waited longest, if one has, gets its place. */
  #letProducerIn(): void {
    const producer = this.#producers.shift();
    if (producer === undefined) return;
    this.#items.push(producer.item);
    producer.settle(undefined, true);
  }

  #dismiss(endConsumer: (consumer: Consumer<T>) => void): void {
    const reason = this.#closedReason();
    for (let producer = this.#producers.shift(); producer !== undefined; producer = this.#producers.shift()) {
      producer.settle(reason, false);
    }
    for (let consumer = this.#consumers.shift(); consumer !== undefined; consumer = this.#consumers.shift()) {
      endConsumer(consumer);
    }
  }

  #closedReason(): unknown {
    return this.#cancelled === undefined
      ? new TaskError("queue/closed", "The queue is closed")
      : this.#cancelled.reason;
  }
}
