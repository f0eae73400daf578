/**
 * WebSockets that somebody has to end: a session those that it opened, a connector those on its connections, of which it may bound
 * the number. Ending them is saying so (1001) to all at once, and cutting off whoever has not answered in time.
 */
import { type Clock, nextTurn } from "../../concurrency/clock.js";
import { callLater } from "../../concurrency/deadline.js";
import { SluiceError } from "../../errors.js";

/** RFC 6455 §7.4.1: whoever says it goes away. */
const GOING_AWAY = 1001;

/** What is asked of a WebSocket to end it. */
export interface OpenSocket {
  /** Begins the closing handshake; resolves when the connection is gone, and never rejects for valid codes. */
  close(code: number, reason: string): Promise<unknown>;
  /** Cuts the connection. */
  terminate(): void;
}

/** See the head of this file. */
export class OpenSockets {
  readonly #limit: number;
  readonly #sockets = new Set<OpenSocket>();
  /** Places taken: by sockets, and by handshakes that may become some. */
  #places = 0;
  #whenEmpty: (() => void)[] = [];

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Takes a place; what is returned gives it back, once. Throws `SluiceError` `pool/upgraded-limit` if there is none. */
  reserve(): () => void {
    if (this.#places >= this.#limit) {
      const message = `Cannot open a WebSocket: ${this.#limit} connections are upgraded already (limitUpgraded)`;
      throw new SluiceError("pool/upgraded-limit", message, { phase: "queue" });
    }
    this.#places += 1;
    let held = true;
    return () => {
      if (held) this.#places -= 1;
      held = false;
    };
  }

  add(socket: OpenSocket): void {
    this.#sockets.add(socket);
  }

  /** It is gone. */
  remove(socket: OpenSocket): void {
    if (!this.#sockets.delete(socket) || this.#sockets.size > 0) return;
    const waiting = this.#whenEmpty;
    this.#whenEmpty = [];
    for (const tell of waiting) tell();
  }

  /** Ends all of them. In `grace` milliseconds those still there are cut off. Resolves when the last one is gone. */
  async end(clock: Clock, grace: number): Promise<void> {
    if (this.#sockets.size === 0) return;
    const gone = new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
    for (const socket of [...this.#sockets]) void socket.close(GOING_AWAY, "");
    // What is said leaves at the end of the turn.
    if (grace === 0) await nextTurn();
    if (grace === 0) this.#cut();
    const deadline = callLater(clock, grace, () => this.#cut());
    await gone;
    clock.disarm(deadline);
  }

  #cut(): void {
    for (const socket of [...this.#sockets]) socket.terminate();
  }
}
