/**
 * Messages that wait for a connection, bounded in number and in bytes. Each is handed on once: what became of it then is its
 * connection's to say.
 */
import { onAbort, type StopListening } from "../../concurrency/abort.js";
import { SluiceError } from "../../errors.js";
import type { SendOptions } from "../../wire/websocket/call-options.js";
import type { Message } from "../../wire/websocket/inbox.js";

/** A message, and how it is to be sent. */
export interface Sending {
  readonly message: Message;
  readonly options: SendOptions | undefined;
}

/** What happens to a message that the queue has no room for. */
export type QueueOverflow = "refuse" | "drop-oldest";

/** How much waits at most, and what happens then. */
export interface SendQueueSettings {
  readonly maxCount: number;
  readonly maxBytes: number;
  readonly overflow: QueueOverflow;
}

interface Waiting {
  readonly sending: Sending;
  readonly bytes: number;
  readonly stopListening: StopListening;
  readonly resolve: (sent: void | PromiseLike<void>) => void;
  readonly reject: (reason: unknown) => void;
}

/** See the head of this file. */
export class SendQueue {
  readonly #settings: SendQueueSettings;
  readonly #waiting = new Set<Waiting>();
  #bytes = 0;

  constructor(settings: SendQueueSettings) {
    this.#settings = settings;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Bytes of those that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves when the message was sent, or rejects as its connection does. Rejects with `SluiceError` `websocket/queue-full` where there
   * is no room: for this message, or with `drop-oldest` for those that made room for it; and with the reason of the message's signal.
   */
  add(sending: Sending): Promise<void> {
    const { message, options } = sending;
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const bytes = Buffer.byteLength(message);
    const { maxCount, maxBytes, overflow } = this.#settings;
    const fits = bytes <= maxBytes && maxCount > 0;
    if (fits && overflow === "drop-oldest") this.#makeRoom(bytes);
    if (!fits || this.#isFullFor(bytes)) return Promise.reject(this.#full());
    return new Promise((resolve, reject) => {
      const stopListening = onAbort(signal, (reason) => {
        this.#remove(waiting);
        reject(reason);
      });
      const waiting: Waiting = { sending, bytes, stopListening, resolve, reject };
      this.#waiting.add(waiting);
      this.#bytes += bytes;
    });
  }

  /** Hands all of them to `send`, in their order and before it returns. */
  flush(send: (sending: Sending) => Promise<void>): void {
    for (const one of [...this.#waiting]) {
      this.#remove(one);
      one.resolve(send(one.sending));
    }
  }

  /** None of them will be sent. */
  rejectAll(reason: unknown): void {
    for (const one of [...this.#waiting]) {
      this.#remove(one);
      one.reject(reason);
    }
  }

  #makeRoom(bytes: number): void {
    for (const oldest of this.#waiting) {
      if (!this.#isFullFor(bytes)) return;
      this.#remove(oldest);
      oldest.reject(this.#full());
    }
  }

  #isFullFor(bytes: number): boolean {
    return this.#waiting.size >= this.#settings.maxCount || this.#bytes + bytes > this.#settings.maxBytes;
  }

  #remove(one: Waiting): void {
    if (!this.#waiting.delete(one)) return;
    this.#bytes -= one.bytes;
    one.stopListening();
  }

  #full(): SluiceError {
    const { maxCount, maxBytes } = this.#settings;
    const most = `${maxCount} messages of ${maxBytes} bytes together may wait for one (queue, queueBytes)`;
    return new SluiceError("websocket/queue-full", `Cannot send the message: there is no connection, and ${most}`);
  }
}
