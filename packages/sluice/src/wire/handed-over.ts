/**
 * A connection that has left HTTP (RFC 9110 §7.8, §9.3.6), as its server knows it from then on. Another protocol may keep it for hours, and
 * most such connections are idle: so this is all that stays of what served it, and nothing of the request or its answer.
 */

import type { Transport } from "../net/transport.js";

/** Told of the end of an answer: the bytes that were sent behind its head, and why there are no more if there should be. */
export type EndListener = (bodyBytes: number, error: Error | undefined) => void;

/** The protocol that a connection changes to with an answer: 101 (Switching Protocols), or 2xx to CONNECT. */
export interface Successor {
  /**
   * Receives the connection when the answer was written. Attaches its own handler before it returns; `rest` holds what the peer has sent
   * beyond its request. Calls `connection.released` when it is done with the transport: a server that closes waits for that, and the answer
   * is over then. What it throws breaks the connection; {@link giveUp} follows.
   */
  takeOver(transport: Transport, rest: Uint8Array, connection: HandedOver): void;
  /** The connection is to come to its end soon. Called once at most, behind {@link takeOver}. */
  retire(): void;
  /** There will be no connection: the answer is not sent. May be called more than once. */
  giveUp(): void;
}

/** Whoever counts the connection. */
export interface HandedOverOwner {
  /** Last call: the connection is free, or was given up. */
  onReleased(connection: HandedOver): void;
  /** A listener of the answer's end threw. For a log. */
  onReleaseError(error: unknown): void;
}

/** See the head of this file. */
export class HandedOver {
  readonly transport: Transport;
  readonly #successor: Successor;
  #owner: HandedOverOwner | undefined = undefined;
  /** Undefined once it was called. */
  #onSent: EndListener | undefined;
  #retired = false;
  #gone = false;

  /** `onSent` is the answer's. Call {@link begin} next. */
  constructor(transport: Transport, successor: Successor, onSent: EndListener | undefined) {
    this.transport = transport;
    this.#successor = successor;
    this.#onSent = onSent;
  }

  /** Hands over, with `rest` of what the peer has sent. Throws what the successor throws; call {@link fail} then. */
  begin(owner: HandedOverOwner, rest: Uint8Array): void {
    this.#owner = owner;
    this.#successor.takeOver(this.transport, rest, this);
  }

  /** The successor has failed to take the connection: it is broken off. */
  fail(error: unknown): void {
    this.destroy();
    this.released(0, error instanceof Error ? error : undefined);
    this.#successor.giveUp();
  }

  /** Has the other protocol end soon. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#successor.retire();
  }

  /** Gives up the connection at once; the other protocol is not waited for. */
  destroy(error?: Error): void {
    this.transport.destroy(error);
    this.#leave();
  }

  /** For the successor: it is done, has sent so many bytes, and ended by consent unless there is an `error`. The first call counts. */
  released(bodyBytes = 0, error: Error | undefined = undefined): void {
    const onSent = this.#onSent;
    this.#onSent = undefined;
    try {
      onSent?.(bodyBytes, error);
    } catch (thrown) {
      this.#owner?.onReleaseError(thrown);
    }
    this.#leave();
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#owner?.onReleased(this);
  }
}
