/**
 * A queue whose members can leave from anywhere: what waits for a permit, an item or a connection may give up at any time.
 * A doubly linked list, so that push, shift and remove are O(1) however long it is.
 */

/** A value's place in a {@link Fifo}; kept by whoever may want to take it out again. */
export interface FifoNode<T> {
  readonly value: T;
  next: FifoNode<T> | undefined;
  previous: FifoNode<T> | undefined;
  /** The queue it stands in; `undefined` once it has left. */
  queue: Fifo<T> | undefined;
}

/** Values in the order they came, each of which can leave at any time. */
export class Fifo<T> {
  #first: FifoNode<T> | undefined;
  #last: FifoNode<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The value that {@link shift} would take, left in its place. */
  peek(): T | undefined {
    return this.#first?.value;
  }

  /** Puts `value` at the end. */
  push(value: T): FifoNode<T> {
    const node: FifoNode<T> = { value, next: undefined, previous: this.#last, queue: this };
    if (this.#last === undefined) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.#size += 1;
    return node;
  }

  /** Takes the value that has waited longest, or gives `undefined` when there is none. */
  shift(): T | undefined {
    const node = this.#first;
    if (node === undefined) return undefined;
    this.remove(node);
    return node.value;
  }

  /** Takes a value out, wherever it stands; false when it has left this queue before, or was never in it. */
  remove(node: FifoNode<T>): boolean {
    if (node.queue !== this) return false;
    const { next, previous } = node;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    node.next = undefined;
    node.previous = undefined;
    node.queue = undefined;
    this.#size -= 1;
    return true;
  }

  /** The values in order, without taking them. The queue must not change meanwhile. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let node = this.#first; node !== undefined; node = node.next) yield node.value;
  }
}
