/**
 * The messages of several connections, one after the other, for one reader: all of a connection's, those included that had arrived
 * when it ended, before the next one's.
 */
import { UsageError, WebSocketClosedError } from "../../errors.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";

/** A reader who is so many connections behind misses the oldest one's rest: memory is bounded by this many inboxes. */
const MOST_CONNECTIONS = 8;

/** A message as a connection gives it. */
export type SocketMessage = string | Uint8Array;

/** See the head of this file. */
export class MessageRelay {
  /** Oldest first; all but the last have ended. */
  readonly #connections: WebSocketConnection[] = [];
  #wake: (() => void) | undefined;
  #end: { readonly error: unknown } | undefined;
  #reading = false;

  /** A connection whose messages come next. */
  add(connection: WebSocketConnection): void {
    this.#connections.push(connection);
    if (this.#connections.length > MOST_CONNECTIONS) this.#connections.shift();
    this.#wakeUp();
  }

  /** There will be no further one: what has arrived is still given out, then `error` is thrown, if there is one. */
  end(error: unknown): void {
    this.#end ??= { error };
    this.#wakeUp();
  }

  /** Throws `UsageError` `websocket/already-reading` while another reader reads. */
  async *read(): AsyncGenerator<SocketMessage, void, undefined> {
    if (this.#reading) {
      throw new UsageError("websocket/already-reading", "Cannot read the messages: somebody reads them already");
    }
    this.#reading = true;
    try {
      for (;;) {
        const connection = this.#connections[0];
        if (connection !== undefined) yield* this.#messagesOf(connection);
        else if (this.#end === undefined) await this.#change();
        else break;
      }
    } finally {
      this.#reading = false;
    }
    if (this.#end.error !== undefined) throw this.#end.error;
  }

  /** All messages of one connection, which is done with when they are. */
  async *#messagesOf(connection: WebSocketConnection): AsyncGenerator<SocketMessage, void, undefined> {
    try {
      for await (const message of connection) yield message;
    } catch (error) {
      // How a connection ended is told by whoever decides about the next one.
      if (!(error instanceof WebSocketClosedError)) throw error;
    }
    const at = this.#connections.indexOf(connection);
    if (at !== -1) this.#connections.splice(at, 1);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
