/** A browser for the client to live in: sockets, streams and requests that a test answers by hand, and a clock that it turns. */
import type {
  PushClientOptions,
  PushEnvironment,
  PushEventSource,
  PushEventTarget,
  PushFrame,
  PushRequestInit,
  PushResponse,
  PushSocket,
} from "../../../src/push/client.js";
import { PushClient } from "../../../src/push/client.js";

type Handler = ((event: never) => void) | null;

/** The server's end of one WebSocket. */
export class FakeSocket implements PushSocket {
  onopen: Handler = null;
  onmessage: Handler = null;
  onclose: Handler = null;
  onerror: Handler = null;
  readyState = 0;
  closedWith: number | undefined;
  readonly url: string;
  readonly protocols: readonly string[];
  readonly #sent: PushFrame[] = [];

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    if (this.readyState !== 1) throw new Error("not open");
    this.#sent.push(JSON.parse(text));
  }

  close(code?: number): void {
    this.closedWith = code;
    this.readyState = 3;
  }

  /** What the client has sent since this was called last. */
  taken(): PushFrame[] {
    return this.#sent.splice(0);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }

  give(...frames: object[]): void {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) } as never);
  }

  end(code = 1006): void {
    this.readyState = 3;
    this.onerror?.({} as never);
    this.onclose?.({ code } as never);
  }
}

/** The server's end of one event stream. */
export class FakeStream implements PushEventSource {
  onerror: Handler = null;
  isClosed = false;
  readonly url: URL;
  readonly #listeners = new Map<string, (event: never) => void>();

  constructor(url: string) {
    this.url = new URL(url);
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.isClosed = true;
  }

  give(...frames: PushFrame[]): void {
    for (const frame of frames) {
      const listener = this.#listeners.get(frame.type === "message" ? "message" : "push");
      listener?.({ data: JSON.stringify(frame) } as never);
    }
  }

  fail(): void {
    this.onerror?.({} as never);
  }
}

/** A request that waits for its answer. */
export interface FakePost {
  readonly url: string;
  readonly init: PushRequestInit;
  readonly frame: PushFrame;
  answer(status: number, frame?: object): Promise<void>;
  fail(): Promise<void>;
}

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

class FakeTarget implements PushEventTarget {
  readonly listeners = new Map<string, Set<() => void>>();

  addEventListener(type: string, listener: () => void): void {
    this.listeners.set(type, (this.listeners.get(type) ?? new Set()).add(listener));
  }

  removeEventListener(type: string, listener: () => void): void {
    this.listeners.get(type)?.delete(listener);
  }

  tell(type: string): void {
    for (const listener of this.listeners.get(type) ?? []) listener();
  }

  get count(): number {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

/** See the head of this file. `random` is 0.5 unless a test says otherwise. */
export class FakePlatform {
  readonly sockets: FakeSocket[] = [];
  readonly streams: FakeStream[] = [];
  readonly posts: FakePost[] = [];
  readonly window = new FakeTarget();
  readonly document = Object.assign(new FakeTarget(), { visibilityState: "visible" });
  readonly #timers = new Map<object, Timer>();
  now = 0;
  random = 0.5;

  get environment(): PushEnvironment {
    const platform = this;
    return {
      WebSocket: class extends FakeSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols);
          platform.sockets.push(this);
        }
      },
      EventSource: class extends FakeStream {
        constructor(url: string) {
          super(url);
          platform.streams.push(this);
        }
      },
      fetch: (url, init) => platform.#post(url, init),
      window: this.window,
      document: this.document,
      location: { href: "https://example.com/page/" },
      now: () => platform.now,
      random: () => platform.random,
      setTimer(callback, delayMs) {
        const timer = {};
        platform.#timers.set(timer, { due: platform.now + delayMs, callback });
        return timer;
      },
      clearTimer: (timer) => platform.#timers.delete(timer as object),
    };
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  get socket(): FakeSocket {
    return latest(this.sockets);
  }

  get stream(): FakeStream {
    return latest(this.streams);
  }

  get post(): FakePost {
    return latest(this.posts);
  }

  /** Time passes, and every timer goes off when it is due. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(([, { due }]) => due <= end).sort(([, a], [, b]) => a.due - b.due);
      if (next === undefined) break;
      this.now = next[1].due;
      this.#fire(next);
      await settled();
    }
    this.now = end;
    await settled();
  }

  /** The machine sleeps: time passes, timers go off only afterwards. */
  async sleep(ms: number): Promise<void> {
    this.now += ms;
    for (const entry of [...this.#timers]) if (entry[1].due <= this.now) this.#fire(entry);
    await settled();
  }

  #fire([timer, { callback }]: readonly [object, Timer]): void {
    this.#timers.delete(timer);
    callback();
  }

  #post(url: string, init: PushRequestInit): Promise<PushResponse> {
    return new Promise((resolve, reject) => {
      const frame: PushFrame = JSON.parse(init.body);
      this.posts.push({
        url,
        init,
        frame,
        async answer(status, body) {
          const type = body === undefined ? "text/html" : "application/json; charset=utf-8";
          resolve({ status, headers: { get: () => type }, json: () => Promise.resolve(body) });
          await settled();
        },
        async fail() {
          reject(new TypeError("Failed to fetch"));
          await settled();
        },
      });
    });
  }
}

/** Lets everything run that waits for no timer. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

export const WELCOME = {
  type: "welcome",
  version: 1,
  connection: "c1",
  rooms: [],
  heartbeat: 25_000,
  limits: { messageSize: 65_536, rooms: 128 },
};

/** A client, its platform, and what it has told of its state. */
export interface Scene {
  readonly platform: FakePlatform;
  readonly client: PushClient;
  readonly states: string[];
}

export async function newScene(
  options: PushClientOptions = {},
  url: ConstructorParameters<typeof PushClient>[0] = "/push",
): Promise<Scene> {
  const platform = new FakePlatform();
  const client = new PushClient(url, { ...options, environment: { ...platform.environment, ...options.environment } });
  const states: string[] = [];
  client.on("state", ({ state, reason }) => states.push(reason === undefined ? state : `${state}: ${reason}`));
  await settled();
  return { platform, client, states };
}

/** A client whose first WebSocket stands. */
export async function openScene(options: PushClientOptions = {}): Promise<Scene> {
  const scene = await newScene(options);
  scene.platform.socket.open();
  scene.platform.socket.give(WELCOME);
  return scene;
}

/** The server answers the join of `room` that the socket has got. */
export function letIn(socket: FakeSocket, room: string, answer: object = {}): PushFrame {
  const join = socket.taken().find((frame) => frame.type === "join" && frame["room"] === room);
  if (join === undefined) throw new Error(`No join of ${room}`);
  socket.give({ type: "joined", room, ref: join["ref"], epoch: "e", offset: 0, ...answer });
  return join;
}

/** Message `offset` of the room, with the offset as its data. */
export function message(room: string, offset: number, more: object = {}): PushFrame {
  return { type: "message", room, epoch: "e", offset, id: `e:${offset}`, ts: 1, data: offset, ...more };
}

function latest<T>(list: readonly T[]): T {
  const last = list.at(-1);
  if (last === undefined) throw new Error("There is none yet");
  return last;
}
