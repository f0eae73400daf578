/**
 * A queue in which the important go first, and among equals those who came first. Its members can leave from anywhere. There are
 * as many inner queues as priorities in use, which is few: finding one is a look into a short sorted list.
 */
import { Fifo, type FifoNode } from "./fifo.js";

/** Values in the order of their priorities, each of which can leave at any time. */
export class PriorityFifo<T> {
  readonly #queues = new Map<number, Fifo<T>>();
  /** The priorities in use, highest first. */
  readonly #priorities: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Puts `value` behind all of its priority; higher numbers go first. */
  push(value: T, priority: number): FifoNode<T> {
    let queue = this.#queues.get(priority);
    if (queue === undefined) {
      queue = new Fifo<T>();
      this.#queues.set(priority, queue);
      const at = this.#priorities.findIndex((other) => other < priority);
      this.#priorities.splice(at === -1 ? this.#priorities.length : at, 0, priority);
    }
    this.#size += 1;
    return queue.push(value);
  }

  /** How many would go before a newcomer with `priority`. */
  ahead(priority: number): number {
    let count = 0;
    for (const other of this.#priorities) {
      if (other < priority) break;
      count += this.#queues.get(other)?.size ?? 0;
    }
    return count;
  }

  /** Takes the most important value, of several the one that has waited longest; `undefined` when there is none. */
  shift(): T | undefined {
    const [highest] = this.#priorities;
    if (highest === undefined) return undefined;
    const queue = this.#queues.get(highest);
    const value = queue?.shift();
    this.#size -= 1;
    this.#dropEmpty(highest);
    return value;
  }

  /** Takes a value out, wherever it stands; false when it has left before. `priority`: as it was pushed with. */
  remove(node: FifoNode<T>, priority: number): boolean {
    if (this.#queues.get(priority)?.remove(node) !== true) return false;
    this.#size -= 1;
    this.#dropEmpty(priority);
    return true;
  }

  #dropEmpty(priority: number): void {
    if (this.#queues.get(priority)?.size !== 0) return;
    this.#queues.delete(priority);
    this.#priorities.splice(this.#priorities.indexOf(priority), 1);
  }
}
