/**
 * A deadline for owners of which there are many, such as the connections of a server: all share one function and each hands in itself,
 * because a closure for each would be a good part of what an idle one costs.
 */
import { Deadline } from "./deadline.js";

/** A deadline that calls `callback` with its owner. */
export class OwnedDeadline<Owner> extends Deadline {
  readonly #owner: Owner;
  readonly #callback: (owner: Owner) => void;

  constructor(owner: Owner, callback: (owner: Owner) => void) {
    super();
    this.#owner = owner;
    this.#callback = callback;
  }

  override expire(): void {
    this.#callback(this.#owner);
  }
}
