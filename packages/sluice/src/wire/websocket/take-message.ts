/** Waiting for one message: within a time limit, until a signal, and without taking the message that comes afterwards. */

import { onAbort, type StopListening } from "../../concurrency/abort.js";
import type { Clock } from "../../concurrency/clock.js";
import { callLater, type Deadline } from "../../concurrency/deadline.js";
import { RequestTimeoutError } from "../../errors.js";
import type { WaitOptions } from "./call-options.js";
import type { Message, Taker } from "./inbox.js";
import type { Incoming, MessageIntake } from "./message-intake.js";
import { quietly, refused } from "./quietly.js";

/** The box, the time, and the error for the end of the box: one for whoever asks for a message, however peaceful the end. */
export interface MessageWait {
  readonly intake: MessageIntake;
  readonly clock: Clock;
  closedError(): Error;
}

/** The next message; to wait for it later than now ends no process. Throws `RequestTimeoutError` `timeout.receive`, the signal's reason, or the error for the end. */
export function takeMessage(wait: MessageWait, options: WaitOptions): Promise<Message> {
  const { intake } = wait;
  if (options.signal?.aborted) return refused(options.signal.reason);
  const kept = intake.inbox.take();
  if (kept !== undefined) {
    const message = intake.shape(kept);
    intake.onRead();
    return Promise.resolve(message);
  }
  if (intake.inbox.ended) return refused(wait.closedError());
  return quietly(
    new Promise((resolve, reject) => {
      new MessageTaker(wait, { resolve, reject }).start(options);
    }),
  );
}

interface Settle {
  resolve(message: Message | Promise<Message>): void;
  reject(error: unknown): void;
}

class MessageTaker implements Taker<Incoming> {
  nextTaker: Taker<Incoming> | undefined = undefined;
  readonly #wait: MessageWait;
  readonly #settle: Settle;
  #deadline: Deadline | undefined = undefined;
  #stopListening: StopListening | undefined = undefined;

  constructor(wait: MessageWait, settle: Settle) {
    this.#wait = wait;
    this.#settle = settle;
  }

  start({ timeout = Number.POSITIVE_INFINITY, signal }: WaitOptions): void {
    const { intake, clock } = this.#wait;
    intake.inbox.wait(this);
    this.#stopListening = onAbort(signal, (reason) => this.#giveUp(reason));
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#deadline = callLater(clock, timeout, () => {
        const message = `Cannot receive: no message came within ${timeout} ms`;
        this.#giveUp(new RequestTimeoutError("timeout.receive", message));
      });
    }
    intake.onRead();
  }

  give(item: Incoming): void {
    this.#stopWaiting();
    this.#settle.resolve(this.#wait.intake.shape(item));
  }

  end(): void {
    this.#stopWaiting();
    this.#settle.reject(this.#wait.closedError());
  }

  #giveUp(reason: unknown): void {
    this.#wait.intake.inbox.leave(this);
    this.#stopWaiting();
    this.#settle.reject(reason);
  }

  #stopWaiting(): void {
    this.#stopListening?.();
    if (this.#deadline !== undefined) this.#wait.clock.disarm(this.#deadline);
  }
}
