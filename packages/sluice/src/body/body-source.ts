/** The two parties that a body deals with besides its reader: the link that feeds it, and whoever is responsible for it. */

import type { SluiceError } from "../errors.js";

/** Where the bytes come from. Calls may happen inside `push`, except `resume`. */
export interface BodySource {
  /** Stop feeding: the reader has fallen behind. What is under way already may still be pushed. */
  pause(): void;
  /** Feed again, after `pause` or after `push` returned false. May push before it returns. */
  resume(): void;
  /**
   * Nobody will read on. What is still pushed is dropped; `finish` and `fail` are ignored. `reason` is undefined if it
   * was by choice.
   */
  cancel(reason: Error | undefined): void;
}

/** How a body ended on the wire: it arrived complete, broke off, or was given up by its reader. */
export type BodyOutcome = "finished" | "failed" | "cancelled";

/** Whoever is responsible for a body: told what happens to it, and asked what it is. One object of fixed shape. */
export interface BodyOwner {
  /** Once, when the body is done with the wire. `error` is why it failed or was cancelled, if there is a reason. */
  onSettled(outcome: BodyOutcome, error: Error | undefined): void;
  /**
   * A reader begins (or stops) to wait for bytes from the wire; while one is collecting, it waits from start to end.
   */
  onWaiting(waiting: boolean): void;
  /** The `Content-Type`, for `blob()`; asked for only when needed. */
  contentType(): string | undefined;
  /** The charset that the message declares, for `text()`; asked for only when needed. */
  charset(): string | undefined;
  /** Makes a value of JSON text in place of `JSON.parse`. */
  readonly parseJson?: ((text: string) => unknown) | undefined;
  /** A reader is about to be given `error`: says in it whose body it was, if that is not said yet. */
  describe(error: SluiceError): void;
  /** What a reader is given in place of `error`; without this, the error itself. */
  translate?(error: unknown): unknown;
}
