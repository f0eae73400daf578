/**
 * The messages of several connections, one after the other, for one reader: all of a connection's, those included that had arrived
 * when it ended, before the next one's.
 *
 * What waits is bounded. As long as a connection is open its own limit is, for reading stops; of those that have ended, the one that is
 * being read and the latest keep all they have, and those between so much together. Beyond that the oldest is dropped, and the reader is
 * told where it was: there is no holding back of what a peer has sent and gone.
 */
import { SluiceError, UsageError, WebSocketClosedError } from "../../errors.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";

/** What a connection costs besides its messages, so that many with little in them are not free. */
const CONNECTION_COST = 4 * 1024;

/** A message as a connection gives it. */
export type SocketMessage = string | Uint8Array;

/** See the head of this file. */
export class MessageRelay {
  /** Oldest first; all but the last have ended. */
  #connections: readonly WebSocketConnection[] = [];
  readonly #maxBytes: number;
  /** The one that a reader is at. */
  #current: WebSocketConnection | undefined;
  /** How many connections' rest the reader has missed, and was not told yet. */
  #missed = 0;
  #wake: (() => void) | undefined;
  #end: { readonly error: unknown } | undefined;
  #reading = false;

  /** `maxBytes`: see the head of this file; `Infinity` for no limit. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A connection whose messages come next; the one before has ended. */
  add(connection: WebSocketConnection): void {
    this.#makeRoom();
    this.#connections = [...this.#connections, connection];
    this.#wakeUp();
  }

  /** There will be no further one: what has arrived is still given out, then `error` is thrown, if there is one. */
  end(error: unknown): void {
    this.#end ??= { error };
    this.#wakeUp();
  }

  /**
   * Throws `UsageError` `websocket/already-reading` while another reader reads; `SluiceError` `websocket/reader-behind` where something was
   * dropped: whoever reads again goes on behind it.
   */
  async *read(): AsyncGenerator<SocketMessage, void, undefined> {
    if (this.#reading) {
      throw new UsageError("websocket/already-reading", "Cannot read the messages: somebody reads them already");
    }
    this.#reading = true;
    try {
      for (;;) {
        this.#tellOfGap();
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
    this.#current = connection;
    try {
      for await (const message of connection) yield message;
    } catch (error) {
      // How a connection ended is told by whoever decides about the next one.
      if (!(error instanceof WebSocketClosedError)) throw error;
    } finally {
      this.#current = undefined;
    }
    this.#connections = this.#connections.filter((one) => one !== connection);
  }

  /** Of those that have ended: forgets who has nothing left, and drops what is too much. */
  #makeRoom(): void {
    const current = this.#current;
    const waiting = this.#connections.filter((one) => one !== current && one.queuedBytes > 0);
    let cost = waiting.reduce((sum, { queuedBytes }) => sum + CONNECTION_COST + queuedBytes, 0);
    while (cost > this.#maxBytes && waiting.length > 1) {
      cost -= CONNECTION_COST + (waiting.shift()?.queuedBytes ?? 0);
      this.#missed += 1;
    }
    this.#connections = current === undefined ? waiting : [current, ...waiting];
  }

  #tellOfGap(): void {
    const missed = this.#missed;
    if (missed === 0) return;
    this.#missed = 0;
    const what = `what ${missed} ${missed === 1 ? "connection" : "connections"} had left was dropped`;
    const why = `more than maxQueuedBytes (${this.#maxBytes}) waited for a reader`;
    throw new SluiceError(
      "websocket/reader-behind",
      `Cannot read on without a gap: ${what}, for ${why}; read again to go on behind it`,
    );
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
