/**
 * What `send()` was given, on its way to the connection, in order: a Blob has to be read first, and what comes behind it waits.
 * Counts what has not left yet, as `bufferedAmount` has it: for good, once the connection has ended.
 */
import type { WebSocketConnection } from "../../../wire/websocket/websocket-connection.js";

/** What the standard's `send()` takes. */
export type Sendable = string | Blob | ArrayBufferLike | ArrayBufferView;

/** What needs no reading first. */
type Ready = Exclude<Sendable, Blob>;

/** See the head of this file. */
export class Outgoing {
  #connection: WebSocketConnection | undefined;
  /** Bytes that the connection was not given, or never will be. */
  #heldBytes = 0;
  #lost = 0;
  /** The last of those that wait; undefined while none does. */
  #waiting: Promise<void> | undefined;

  /** From now on things leave by `connection`. */
  attach(connection: WebSocketConnection): void {
    this.#connection = connection;
  }

  /** Nothing leaves any more: what was not sent stays counted. */
  detach(): void {
    this.#lost += this.#connection?.bufferedAmount ?? 0;
    this.#connection = undefined;
  }

  get bufferedBytes(): number {
    return this.#heldBytes + this.#lost + (this.#connection?.bufferedAmount ?? 0);
  }

  /** Resolves when all has been handed to the connection. */
  get flushed(): Promise<void> {
    return this.#waiting ?? Promise.resolve();
  }

  send(data: Sendable): void {
    if (this.#connection === undefined) {
      this.#lost += sizeOf(data);
    } else if (this.#waiting !== undefined || data instanceof Blob) {
      this.#queue(data);
    } else {
      const message = asMessage(data);
      void this.#connection.send(leavesAtOnce(this.#connection, message) ? message : message.slice());
    }
  }

  #queue(data: Sendable): void {
    const bytes = sizeOf(data);
    this.#heldBytes += bytes;
    // Bytes are the caller's, who may change them before their turn comes.
    const kept = typeof data === "string" || data instanceof Blob ? data : asMessage(data).slice();
    const mine: Promise<void> = this.flushed
      .then((): Ready | Promise<Ready> => (kept instanceof Blob ? kept.arrayBuffer() : kept))
      .then((ready) => this.#handOver(ready, bytes))
      .finally(() => {
        if (this.#waiting === mine) this.#waiting = undefined;
      });
    this.#waiting = mine;
  }

  #handOver(ready: Ready, bytes: number): void {
    this.#heldBytes -= bytes;
    if (this.#connection === undefined) this.#lost += bytes;
    else void this.#connection.send(asMessage(ready));
  }
}

/** Bytes are the caller's again when `send` returns. Masking copies them; what is compressed may be read later, on another thread. */
function leavesAtOnce(connection: WebSocketConnection, message: string | Uint8Array): boolean {
  return typeof message === "string" || connection.extensions === "";
}

function asMessage(data: string): string;
function asMessage(data: Exclude<Ready, string>): Uint8Array;
function asMessage(data: Ready): string | Uint8Array;
function asMessage(data: Ready): string | Uint8Array {
  if (typeof data === "string") return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}

function sizeOf(data: Sendable): number {
  if (typeof data === "string") return Buffer.byteLength(data);
  return data instanceof Blob ? data.size : data.byteLength;
}
