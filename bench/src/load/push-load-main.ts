/**
 * Subscribers of a push server: plain sockets that speak as much WebSocket as it takes to be subscribed, and then count messages by a character that
 * stands in each of them once. A process of its own.
 */
import { connect, type Socket } from "node:net";
import { hrtime } from "node:process";
import { serveOrders } from "../harness/serve-orders.js";

/** Whom to subscribe to. */
export interface PushTarget {
  readonly port: number;
  /** Where the WebSocket is, and where it is for the first of them. */
  readonly path: string;
  readonly firstPath: string;
  /** Sent as a message when the socket is open; empty for nothing. */
  readonly hello: string;
  /** What the server says when the subscription stands; empty: that the socket is open. */
  readonly ready: string;
  readonly subscribers: number;
}

/** What the process can be told. */
export interface PushLoadOrders {
  /** Subscribes, closing the connections of before. */
  open(target: PushTarget): Promise<null>;
  /** The first of them stops reading. */
  stick(order: null): Promise<null>;
  /** Now each that reads is to get so many messages. */
  expect(order: { readonly messages: number }): Promise<null>;
  /** Resolves when all have them, with the time from `startedAt` to the last at 99 % of the subscribers, in milliseconds. */
  received(order: { readonly startedAt: number }): Promise<number>;
  close(order: null): Promise<null>;
}

/** Stands in each message once, and in nothing else that is sent: see `rows/push-rows.ts`. */
export const MARK = "^";

const MARK_OCTET = MARK.charCodeAt(0);
const READ_BYTES = 64 * 1024;
const READY_WITHIN_MS = 120_000;
const AT_ONCE = 100;
const readBuffer = Buffer.allocUnsafe(READ_BYTES);

let subscribers: Subscriber[] = [];
let missing = 0;
let done: (() => void) | undefined;
let failed: ((error: Error) => void) | undefined;
let lost: Error | undefined;

class Subscriber {
  owed = 0;
  lastAt = 0;
  readonly #socket: Socket;
  readonly #target: PushTarget;
  #begun = "";
  #open = false;
  #onReady: (() => void) | undefined;

  readonly #path: string;

  constructor(target: PushTarget, path: string) {
    this.#target = target;
    this.#path = path;
    const onread = { buffer: readBuffer, callback: (size: number) => this.#onBytes(readBuffer.subarray(0, size)) };
    this.#socket = connect({ host: "127.0.0.1", port: target.port, noDelay: true, onread });
    this.#socket.on("error", (error) => failed?.(error));
    this.#socket.on("close", () => {
      lost = new Error("The server closed a subscription");
      failed?.(lost);
    });
  }

  ready(): Promise<void> {
    this.#socket.write(
      `GET ${this.#path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    return new Promise((resolve) => {
      this.#onReady = resolve;
    });
  }

  stick(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }

  #onBytes(bytes: Buffer): boolean {
    if (this.#onReady === undefined) this.#count(bytes);
    else this.#begin(bytes);
    return true;
  }

  #begin(bytes: Buffer): void {
    this.#begun += bytes.toString("latin1");
    const { hello, ready } = this.#target;
    if (!this.#open && this.#begun.includes("\r\n\r\n")) {
      this.#open = true;
      if (hello !== "") this.#socket.write(maskedText(hello));
    }
    if (!this.#open || !this.#begun.includes(ready)) return;
    const resolve = this.#onReady;
    this.#onReady = undefined;
    resolve?.();
  }

  #count(bytes: Buffer): void {
    let count = 0;
    for (let at = bytes.indexOf(MARK_OCTET); at !== -1; at = bytes.indexOf(MARK_OCTET, at + 1)) count += 1;
    if (count === 0) return;
    this.lastAt = now();
    this.owed -= count;
    missing -= count;
    if (this.owed < 0) failed?.(new Error("A subscriber has got more messages than were sent"));
    if (missing === 0) done?.();
  }
}

/** A short text message with a mask of zeros. */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

function now(): number {
  return Number(hrtime.bigint()) / 1e6;
}

function closeAll(): void {
  failed = undefined;
  for (const subscriber of subscribers) subscriber.close();
  subscribers = [];
  lost = undefined;
}

let stuck = 0;
let settled: Promise<void> = Promise.resolve();

serveOrders<PushLoadOrders>({
  async open(target) {
    closeAll();
    stuck = 0;
    await new Promise<void>((resolve, reject) => {
      failed = reject;
      setTimeout(reject, READY_WITHIN_MS, new Error("Not all subscriptions stood in time")).unref();
      void subscribeAll(target).then(resolve);
    });
    return null;
  },
  async stick() {
    stuck = 1;
    subscribers[0]?.stick();
    return null;
  },
  async expect({ messages }) {
    if (lost !== undefined) throw lost;
    const reading = subscribers.slice(stuck);
    for (const subscriber of reading) subscriber.owed = messages;
    missing = reading.length * messages;
    settled = new Promise((resolve, reject) => {
      done = resolve;
      failed = reject;
    });
    settled.catch(() => undefined); // told to whoever asks for it
    return null;
  },
  async received({ startedAt }) {
    await settled;
    const times = subscribers.slice(stuck).map(({ lastAt }) => lastAt - startedAt);
    times.sort((one, other) => one - other);
    return times[Math.ceil(times.length * 0.99) - 1] ?? 0;
  },
  async close() {
    closeAll();
    return null;
  },
});

async function subscribeAll(target: PushTarget): Promise<void> {
  for (let from = 0; from < target.subscribers; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, target.subscribers - from) }, (_, index) => {
      return new Subscriber(target, from + index === 0 ? target.firstPath : target.path);
    });
    subscribers.push(...some);
    await Promise.all(some.map((subscriber) => subscriber.ready()));
  }
}
