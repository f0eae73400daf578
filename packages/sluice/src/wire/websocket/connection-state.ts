/**
 * What a connection remembers beside its link: who waits for a pong, for its end or for its signal, and who is told of room. All of it is
 * made when it is asked for; an idle connection has none of it.
 */

import { abortError } from "../../concurrency/abort.js";
import type { Clock } from "../../concurrency/clock.js";
import type { SluiceError } from "../../errors.js";
import { closedError, type EndCause, endsQuietly, type WebSocketEnd } from "./closed-error.js";
import type { LinkOwner } from "./link-owner.js";
import { PingBook } from "./ping-book.js";

/** See above. */
export class ConnectionState implements LinkOwner {
  /** Called when there is room again for what is sent. */
  onDrain: (() => void) | undefined = undefined;
  readonly clock: Clock;
  readonly #onClosed: ((end: WebSocketEnd) => void) | undefined;
  #pings: PingBook | undefined = undefined;
  #closed: Promise<WebSocketEnd> | undefined = undefined;
  #resolveClosed: ((end: WebSocketEnd) => void) | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #ended: { readonly end: WebSocketEnd; readonly cause: EndCause | undefined } | undefined = undefined;

  constructor(clock: Clock, onClosed: ((end: WebSocketEnd) => void) | undefined) {
    this.clock = clock;
    this.#onClosed = onClosed;
  }

  get pings(): PingBook {
    this.#pings ??= new PingBook(this.clock);
    return this.#pings;
  }

  /** Resolves with how it ended. Never rejects. */
  get closed(): Promise<WebSocketEnd> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#ended === undefined) this.#resolveClosed = resolve;
      else resolve(this.#ended.end);
    });
    return this.#closed;
  }

  /** Aborts when it has ended. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#abortReason());
    }
    return this.#controller.signal;
  }

  /** The error for somebody who wants something of a connection that has ended; undefined while it has not. */
  refusal(doing: string): SluiceError | undefined {
    return this.#ended && closedError(doing, this.#ended.end, this.#ended.cause);
  }

  onPong(payload: Uint8Array): void {
    this.#pings?.onPong(payload);
  }

  onRoom(): void {
    this.onDrain?.();
  }

  onEnded(end: WebSocketEnd, cause: EndCause | undefined): void {
    this.#ended = { end, cause };
    this.#pings?.fail(closedError("measure the latency", end, cause));
    this.#resolveClosed?.(end);
    this.#controller?.abort(this.#abortReason());
    this.#onClosed?.(end);
  }

  #abortReason(): unknown {
    const { end } = this.#ended ?? {};
    if (end === undefined || endsQuietly(end.code)) return abortError("The WebSocket was closed");
    return this.refusal("go on");
  }
}
