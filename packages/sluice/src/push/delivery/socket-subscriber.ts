/** A receiver of frames over WebSocket: each frame is one text message, prepared once for all connections. */

import { type PreparedMessage, prepareMessage } from "../../wire/websocket/prepared-message.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import type { WireFrame } from "../protocol/wire-frame.js";
import type { EndCode, Subscriber, SubscriberOwner } from "./subscriber.js";

/** What is used of a WebSocket. */
export type PushSocket = Pick<
  WebSocketConnection,
  | "protocol"
  | "bufferedAmount"
  | "onDrain"
  | "onEndSoon"
  | "receiveEach"
  | "sendPrepared"
  | "close"
  | "terminate"
  | "closed"
>;

/** From here on frames wait in the hub: more than the mark of a socket of any Node, so that its drain follows. */
const FULL_BYTES = 64 * 1024;

/** One connection. */
export class SocketSubscriber implements Subscriber {
  readonly #socket: PushSocket;

  constructor(socket: PushSocket) {
    this.#socket = socket;
  }

  /** Has `owner` told from now on. */
  tell(owner: SubscriberOwner & { endSoon(): void }): void {
    this.#socket.onDrain = () => owner.onDrain();
    this.#socket.onEndSoon = () => owner.endSoon();
    void this.#socket.closed.then(() => owner.onOver());
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(frame: WireFrame): boolean {
    frame.socketForm ??= prepareMessage(frame.text);
    this.#socket.sendPrepared(frame.socketForm as PreparedMessage);
    return this.#socket.bufferedAmount <= FULL_BYTES;
  }

  end({ code, reason }: EndCode): void {
    void this.#socket.close(code, reason);
  }

  abandon(): void {
    this.#socket.terminate();
  }
}
