/**
 * Pings that wait for their pongs (RFC 6455 §5.5.2). Each has a number for payload. A pong answers its ping and all that went before, because
 * a peer may answer the latest only (§5.5.3); a pong that answers none of ours is let pass.
 */

import { onAbort, type StopListening } from "../../concurrency/abort.js";
import type { Clock } from "../../concurrency/clock.js";
import { callLater, type Deadline } from "../../concurrency/deadline.js";
import { RequestTimeoutError } from "../../errors.js";
import type { WaitOptions } from "./call-options.js";
import { quietly } from "./quietly.js";

const NUMBER_BYTES = 4;
const NUMBERS = 2 ** 32;

interface Waiting {
  readonly sentAt: number;
  resolve(latency: number): void;
  reject(error: unknown): void;
}

/** The pings of one connection. */
export class PingBook {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `send` with the payload of a new ping. Resolves with the milliseconds until its pong came. */
  ping(
    send: (payload: Uint8Array) => void,
    { timeout = Number.POSITIVE_INFINITY, signal }: WaitOptions,
  ): Promise<number> {
    this.#last = (this.#last + 1) % NUMBERS;
    const number = this.#last;
    const payload = Buffer.allocUnsafe(NUMBER_BYTES);
    payload.writeUInt32BE(number);
    const sentAt = this.#clock.now();
    send(payload);
    return quietly(
      new Promise((resolve, reject) => {
        let deadline: Deadline | undefined;
        let stopListening: StopListening | undefined;
        const leave = () => {
          this.#waiting.delete(number);
          stopListening?.();
          if (deadline !== undefined) this.#clock.disarm(deadline);
        };
        const fail = (error: unknown) => {
          leave();
          reject(error);
        };
        const settle = (latency: number) => {
          leave();
          resolve(latency);
        };
        this.#waiting.set(number, { sentAt, resolve: settle, reject: fail });
        if (timeout !== Number.POSITIVE_INFINITY) {
          deadline = callLater(this.#clock, timeout, () => fail(pongTimeout(timeout)));
        }
        stopListening = onAbort(signal, fail);
      }),
    );
  }

  /** The payload of any pong. */
  onPong(payload: Uint8Array): void {
    if (payload.length !== NUMBER_BYTES) return;
    const number = Buffer.from(payload.buffer, payload.byteOffset, NUMBER_BYTES).readUInt32BE();
    if (!this.#waiting.has(number)) return;
    const now = this.#clock.now();
    // In the order in which they were sent.
    for (const [earlier, waiting] of [...this.#waiting]) {
      waiting.resolve(now - waiting.sentAt);
      if (earlier === number) return;
    }
  }

  /** There will be no more pongs. */
  fail(error: Error): void {
    for (const waiting of [...this.#waiting.values()]) waiting.reject(error);
  }
}

function pongTimeout(timeout: number): RequestTimeoutError {
  return new RequestTimeoutError("timeout.ping", `Cannot measure the latency: no pong came within ${timeout} ms`);
}
