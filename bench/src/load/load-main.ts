/** The load generator for servers: plain sockets, each with a fixed number of requests in flight. A process of its own. */
import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { serveOrders } from "../harness/serve-orders.js";
import { AnswerCounter } from "./answer-counter.js";
import { type PacedLatencies, type PacedOrder, pacedLatencies } from "./paced-latencies.js";

/** Whom to ask what. */
export interface LoadTarget {
  readonly port: number;
  readonly connections: number;
  /** Requests in flight on each connection. */
  readonly depth: number;
  /** One whole request, as latin1 text. */
  readonly request: string;
  readonly expectedBody: string;
}

/** What the process can be told. */
export interface LoadOrders {
  /** Opens the connections and has one request answered on each; closes those of before. */
  open(target: LoadTarget): Promise<null>;
  /** Keeps asking for so many milliseconds, then until all are answered. */
  ask(order: { readonly milliseconds: number }): Promise<{ readonly count: number; readonly milliseconds: number }>;
  /** Asks at a steady rate, whether answers come or not, and tells how long they took. */
  pace(order: PacedOrder): Promise<PacedLatencies>;
  close(order: null): Promise<null>;
}

/** Connections opened together: fewer than any server's backlog of those it has not accepted. */
const AT_ONCE = 256;
const READ_BYTES = 256 * 1024;
/** Shared by all sockets: what is read is counted before the next read. */
const readBuffer = Buffer.allocUnsafe(READ_BYTES);

let lanes: Lane[] = [];

class Lane {
  readonly #socket: Socket;
  readonly #target: LoadTarget;
  readonly #counter: AnswerCounter;
  #owed = 0;
  #asking = false;
  #count = 0;
  #settle: ((error: Error | undefined) => void) | undefined = undefined;

  constructor(target: LoadTarget) {
    this.#target = target;
    this.#counter = new AnswerCounter(target.expectedBody);
    const onread = { buffer: readBuffer, callback: (size: number) => this.#onBytes(readBuffer.subarray(0, size)) };
    this.#socket = connect({ host: "127.0.0.1", port: target.port, noDelay: true, onread });
    this.#socket.on("error", (error) => this.#settle?.(error));
    this.#socket.on("close", () => this.#settle?.(new Error("The server closed a connection")));
  }

  get count(): number {
    return this.#count;
  }

  /** Sends one request, or keeps asking until `stop`; resolves when nothing is owed. */
  start(asking: boolean): Promise<void> {
    this.#asking = asking;
    this.#count = 0;
    const depth = asking ? this.#target.depth : 1;
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
      this.#send(depth);
    });
  }

  stop(): void {
    this.#asking = false;
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #send(count: number): void {
    this.#owed += count;
    const { request } = this.#target;
    this.#socket.write(count === 1 ? request : request.repeat(count), "latin1");
  }

  #onBytes(bytes: Buffer): boolean {
    let answered: number;
    try {
      answered = this.#counter.take(bytes);
    } catch (error) {
      this.#settle?.(error as Error);
      return true;
    }
    this.#count += answered;
    this.#owed -= answered;
    if (this.#asking && answered > 0) this.#send(answered);
    else if (this.#owed === 0) this.#settle?.(undefined);
    return true;
  }
}

serveOrders<LoadOrders>({
  async open(target) {
    closeAll();
    while (lanes.length < target.connections) {
      const more = Math.min(AT_ONCE, target.connections - lanes.length);
      const opened = Array.from({ length: more }, () => new Lane(target));
      lanes.push(...opened);
      await Promise.all(opened.map((lane) => lane.start(false)));
    }
    return null;
  },
  async ask({ milliseconds }) {
    const from = performance.now();
    const ends = Promise.all(lanes.map((lane) => lane.start(true)));
    const timer = setTimeout(() => {
      for (const lane of lanes) lane.stop();
    }, milliseconds);
    await ends.finally(() => clearTimeout(timer));
    const count = lanes.reduce((sum, lane) => sum + lane.count, 0);
    return { count, milliseconds: performance.now() - from };
  },
  pace: (order) => pacedLatencies(lanes, order),
  async close() {
    closeAll();
    return null;
  },
});

function closeAll(): void {
  for (const lane of lanes) lane.close();
  lanes = [];
}
