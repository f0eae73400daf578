/**
 * How much of a socket's large writes the system has taken. The stream tells it when all of a write has gone, which may be long; Node's own
 * handle tells it while it goes (decision 31), as long as one write is the only one.
 */

import type { Socket } from "node:net";

/** Node's own, which it asks the same before it calls a socket idle. That of TLS has the one of the connection below it. */
interface Handle {
  readonly writeQueueSize?: number;
  readonly _parent?: Handle;
}

/** The large writes of one socket that Node has not called back for. */
export class LargeWrites {
  readonly #socket: Socket;
  /** Bytes of the one that the system has begun to take; 0 for none, or where others waited before it. */
  #leaving = 0;
  #count = 0;
  readonly #onGone = (): void => {
    this.#count -= 1;
    if (this.#count === 0) this.#leaving = 0;
  };

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Writes `bytes`; returns what the socket's `write` does. */
  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    const alone = socket.writableLength === 0 && socket.writableCorked === 0;
    this.#count += 1;
    const below = socket.write(bytes, this.#onGone);
    if (alone) this.#leaving = socket.writableLength;
    return below;
  }

  /** Of the bytes that the stream still counts, those that the system has; 0 in a Node that does not say: whole writes are seen to go then. */
  get takenBytes(): number {
    if (this.#leaving === 0) return 0;
    const handle = Reflect.get(this.#socket, "_handle") as Handle | null | undefined;
    const queued = (handle?._parent ?? handle)?.writeQueueSize;
    return queued === undefined ? 0 : Math.max(0, this.#leaving - queued);
  }
}
