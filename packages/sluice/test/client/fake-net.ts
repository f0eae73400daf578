/**
 * A network in memory for client tests: every connection is a pair of transports, whose far end takes requests apart and asks
 * the test for the answers. Time stands still unless the test moves it. Sessions made here are closed after each test.
 */
import { afterEach } from "vitest";
import { Connector, type ConnectorOptions } from "../../src/client/connector.js";
import type { SessionOptions } from "../../src/client/options.js";
import { ClientSession } from "../../src/client/session.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import type { DialTarget } from "../../src/net/dial.js";
import { type MemoryPairOptions, memoryPair } from "../../src/net/memory.js";
import type { Transport, TransportHandler } from "../../src/net/transport.js";

/** A request as it came. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  /** Scheme, host and port that were dialed, and the target. */
  readonly url: string;
  readonly fields: ReadonlyMap<string, string>;
  /** Without its framing; one character a byte. */
  readonly body: string;
  readonly head: string;
  readonly connection: FakeConnection;
}

export type Answer = string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
export type Answerer = (request: Seen, net: FakeNet) => Answer | Promise<Answer>;

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** `thing` is closed after the test. */
export function closeAfter<T extends { close(): Promise<void> }>(thing: T): T {
  open.push(thing);
  return thing;
}

export class FakeNet {
  readonly clock = new ManualClock();
  readonly seen: Seen[] = [];
  readonly connections: FakeConnection[] = [];
  readonly #answerer: Answerer;
  readonly #pair: MemoryPairOptions;
  /** What becomes of a dial, where it is not to succeed at once. */
  dialing: (target: DialTarget) => void | Promise<void> = () => undefined;
  /** Called with each new connection, before anything is sent on it. */
  connected: (connection: FakeConnection) => void = () => undefined;
  /** What the client gets of a connection that is made. */
  dialed: (near: Transport) => Transport = (near) => near;

  constructor(answerer: Answerer = () => ok("ok"), pair: MemoryPairOptions = {}) {
    this.#answerer = answerer;
    this.#pair = pair;
  }

  connector(options: ConnectorOptions = {}): Connector {
    return closeAfter(new Connector(this.options(options)));
  }

  session(options: SessionOptions = {}, connector: ConnectorOptions = {}): ClientSession {
    return closeAfter(new ClientSession({ connector: this.connector(connector), ...options }));
  }

  get open(): number {
    return this.connections.filter((connection) => !connection.closed).length;
  }

  async answer(request: Seen): Promise<void> {
    this.seen.push(request);
    const answer = await this.#answerer(request, this);
    if (answer === undefined) return;
    for (const piece of Array.isArray(answer) ? answer : [answer]) request.connection.send(piece as string);
  }

  /** Options for a connector to this network. */
  options(options: ConnectorOptions = {}): ConnectorOptions {
    return { clock: this.clock, connect: (target) => this.#connect(target), ...options };
  }

  async #connect(target: DialTarget): Promise<Transport> {
    await this.dialing(target);
    const [near, far] = memoryPair(this.#pair);
    const connection = new FakeConnection(this, far, target);
    this.connections.push(connection);
    this.connected(connection);
    return this.dialed(near);
  }
}

/** The server's end of one connection. */
export class FakeConnection implements TransportHandler {
  readonly target: DialTarget;
  readonly transport: Transport;
  readonly #net: FakeNet;
  #received = "";
  /** Set to leave what comes unread. */
  ignoring = false;
  closed = false;
  bytesReceived = 0;
  requests = 0;

  constructor(net: FakeNet, transport: Transport, target: DialTarget) {
    this.#net = net;
    this.transport = transport;
    this.target = target;
    transport.attach(this);
  }

  send(bytes: string | Uint8Array): void {
    this.transport.write(bytes, "latin1");
  }

  end(): void {
    this.transport.end();
  }

  reset(): void {
    this.transport.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  }

  onData(bytes: Uint8Array): void {
    this.bytesReceived += bytes.byteLength;
    this.#received += Buffer.from(bytes).toString("latin1");
    if (this.ignoring) return;
    for (let request = this.#take(); request !== undefined; request = this.#take()) {
      this.requests += 1;
      void this.#net.answer(request);
    }
  }
  onEnd(): void {
    this.transport.end();
  }
  onDrain(): void {}
  onClose(): void {
    this.closed = true;
  }

  #take(): Seen | undefined {
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd === -1) return undefined;
    const head = this.#received.slice(0, headEnd);
    const [start = "", ...lines] = head.split("\r\n");
    const [method = "", target = ""] = start.split(" ");
    const fields = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      const known = fields.get(name);
      fields.set(name, known === undefined ? value : `${known}, ${value}`);
    }
    const rest = this.#received.slice(headEnd + 4);
    const framed = fields.has("transfer-encoding")
      ? dechunk(rest)
      : takeExactly(rest, Number(fields.get("content-length") ?? 0));
    if (framed === undefined) return undefined;
    this.#received = framed.rest;
    const { host, port, tls } = this.target;
    const url = `${tls === undefined ? "http" : "https"}://${host}:${port}${target}`;
    return { method, target, url, fields, body: framed.body, head, connection: this };
  }
}

function takeExactly(text: string, length: number): { body: string; rest: string } | undefined {
  return text.length < length ? undefined : { body: text.slice(0, length), rest: text.slice(length) };
}

function dechunk(text: string): { body: string; rest: string } | undefined {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    const size = Number(`0x${text.slice(at, lineEnd)}`);
    const start = lineEnd + 2;
    if (text.length < start + size + 2) return undefined;
    if (size === 0) return { body, rest: text.slice(start + 2) };
    body += text.slice(start, start + size);
    at = start + size + 2;
  }
}

/** A 200 with this body; further field lines, each with its line end. */
export function ok(body: string, more = ""): string {
  return answer(200, body, more);
}

export function answer(status: number, body = "", more = ""): string {
  return `HTTP/1.1 ${status} \r\ncontent-length: ${Buffer.byteLength(body, "latin1")}\r\n${more}\r\n${body}`;
}

export function json(value: unknown, more = ""): string {
  return ok(Buffer.from(JSON.stringify(value)).toString("latin1"), `content-type: application/json\r\n${more}`);
}

export function redirect(status: number, to: string, more = ""): string {
  return answer(status, "", `location: ${to}\r\n${more}`);
}

/** Lets promises, and the turns of the event loop they need, run. */
export async function turns(count = 5): Promise<void> {
  for (let done = 0; done < count; done += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Moves the clock until the promise is settled, a millisecond a turn: past waits of no length, and modules loaded on first use. */
export async function untilSettled<T>(clock: ManualClock, promise: PromiseLike<T>): Promise<T> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  while (!settled) {
    await turns(1);
    await clock.advance(1);
  }
  return promise;
}

/** What a promise rejects with; fails if it resolves. */
export async function rejection<E = Error & { code: string; phase: string }>(
  promise: PromiseLike<unknown>,
): Promise<E> {
  try {
    await promise;
  } catch (error) {
    return error as E;
  }
  throw new Error("Expected a rejection");
}

/** A promise and its ends. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}
