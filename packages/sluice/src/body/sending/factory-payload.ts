/** A body that is made anew for each send: how a stream becomes replayable. */

import { UsageError } from "../../errors.js";

/** What is made: the part of a payload that is passed on. */
interface Made {
  readonly length: number | undefined;
  readonly contentType: string | undefined;
  open(): AsyncIterable<Uint8Array>;
  discard(): void;
}

/**
 * Calls the user's function once for each send, and not before it is needed: for the length and the type that go into
 * the head, or at the latest for the first piece. The head of every send has the length of the first.
 */
export class FactoryPayload {
  readonly replayable = true;
  readonly whole = undefined;
  readonly #make: () => unknown;
  readonly #payloadOf: (value: unknown) => Made;
  #made: Made | undefined = undefined;
  #length: number | undefined = undefined;
  #contentType: string | undefined = undefined;
  #known = false;

  /** `payloadOf` turns what `make` returns into a payload, and refuses what is not a body. */
  constructor(make: () => unknown, payloadOf: (value: unknown) => Made) {
    this.#make = make;
    this.#payloadOf = payloadOf;
  }

  get length(): number | undefined {
    this.#learn();
    return this.#length;
  }

  get contentType(): string | undefined {
    this.#learn();
    return this.#contentType;
  }

  open(): AsyncIterable<Uint8Array> {
    this.#learn();
    const made = this.#made ?? this.#create();
    this.#made = undefined;
    return made.open();
  }

  discard(): void {
    this.#made?.discard();
    this.#made = undefined;
  }

  #learn(): void {
    if (this.#known) return;
    this.#made = this.#create();
    this.#length = this.#made.length;
    this.#contentType = this.#made.contentType;
    this.#known = true;
  }

  #create(): Made {
    const value = this.#make();
    if (value instanceof Promise) {
      value.catch(() => undefined);
      throw new UsageError(
        "body/unknown-kind",
        "Cannot send a promise as a body: the function has to return the body itself, for instance an async iterable",
      );
    }
    return this.#payloadOf(value);
  }
}
