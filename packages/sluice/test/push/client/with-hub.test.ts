/** The browser client and a real hub over real sockets, whose connections are cut again and again: nothing is lost, nothing comes twice. */
import { EventSource, WebSocket } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { PushClient, type PushClientOptions, type PushEnvironment, type PushRoom } from "../../../src/push/client.js";
import { type Authorize, Hub, type HubLimits, type HubUser, MemoryBus, PUSH_PROTOCOL } from "../../../src/push.js";
import { Application, type Server } from "../../../src/server.js";
import type { WebSocketConnection } from "../../../src/websocket.js";

const WAIT = { timeout: 45_000 };
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A hub that is served, and can be taken off the net and put back at the same port, with what it remembers or without. */
class Place {
  #server: Server | undefined;
  readonly #sockets = new Set<WebSocketConnection>();
  #bus = new MemoryBus();
  #port = 0;
  readonly #limits: HubLimits;
  readonly #authorize: Authorize<HubUser>;
  readonly hub: Hub;

  constructor(limits: HubLimits = { framesPerSecond: 10_000 }, authorize: Authorize<HubUser> = () => true) {
    this.#limits = limits;
    this.#authorize = authorize;
    this.hub = this.#newHub();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/push`;
  }

  async open(): Promise<this> {
    const app = new Application();
    const options = { rooms: ["r"], user: { id: "u" } };
    app.websocket("/push", { protocols: [PUSH_PROTOCOL], origins: "any" }, (socket) => {
      this.#sockets.add(socket);
      return this.hub.serve(socket, options);
    });
    app.get("/push/events", (request) => this.hub.sse(request, options));
    app.post("/push/events", (request) => this.hub.post(request, options));
    this.#server = await app.listen({ port: this.#port, host: "127.0.0.1" });
    this.#port = Number(new URL(this.#server.url).port);
    return this;
  }

  /** All connections end in the middle of whatever they are doing. */
  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    this.#sockets.clear();
    await this.#server?.close({ grace: 0, drainDelay: 0 });
  }

  async close(): Promise<void> {
    await this.hub.close({ over: 0 });
    await this.cut();
    await this.#bus.close();
  }

  #newHub(): Hub {
    return new Hub({ bus: this.#bus, authorize: this.#authorize, history: 10_000, limits: this.#limits });
  }
}

async function newPlace(limits?: HubLimits, authorize?: Authorize<HubUser>): Promise<Place> {
  const place = await new Place(limits, authorize).open();
  cleanUps.push(() => place.close());
  return place;
}

function connect(
  place: Place,
  options: PushClientOptions,
): { client: PushClient; room: PushRoom<number>; heard: number[] } {
  const environment = { WebSocket, EventSource } as unknown as Partial<PushEnvironment>;
  const eventsUrl = `${place.url}/events`;
  const client = new PushClient(place.url, { eventsUrl, firstDelay: 20, maxDelay: 60, environment, ...options });
  cleanUps.push(() => client.close());
  const room = client.join<number>("r");
  const heard: number[] = [];
  room.on("message", ({ data }) => heard.push(data));
  room.on("gap", () => heard.push(Number.NaN));
  return { client, room, heard };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe.each([
  ["WebSocket", { transports: ["websocket"] }],
  ["event streams and POST", { transports: ["sse"] }],
] as const)("over %s", (_name, options) => {
  test("a room that one may not join is refused, once, though it is the only one", async () => {
    const place = await newPlace(undefined, (_user, name) => name !== "r");
    const { client, room } = connect(place, { ...options });
    const told: unknown[] = [];
    client.on("state", ({ state }) => told.push(state));
    room.on("refused", ({ code }) => told.push(code));
    await expect.poll(() => told, WAIT).toEqual(["connecting", "open", "forbidden"]);
    const other = client.join<number>("other");
    await expect.poll(() => other.joined, WAIT).toBe(true);
    expect(told.filter((one) => one === "forbidden")).toHaveLength(1);
  });

  test("messages come, and publishing says where they are", async () => {
    const place = await newPlace();
    const { room, heard, client } = connect(place, options);
    const first = await room.publish(1);
    expect(first).toMatchObject({ offset: 1 });
    await place.hub.publish("r", 2);
    await expect.poll(() => heard, WAIT).toEqual([1, 2]);
    expect(client.welcome?.user).toEqual({ id: "u" });
    expect(await room.history({ limit: 1 })).toMatchObject({ messages: [{ data: 2, offset: 2 }], more: true });
  });

  test("what is published while connections break comes once, in order", async () => {
    const place = await newPlace();
    const { heard, room } = connect(place, options);
    await expect.poll(() => room.joined, WAIT).toBe(true);
    for (const [index, number] of upTo(60).entries()) {
      await place.hub.publish("r", number);
      if (index % 15 === 7) {
        await place.cut();
        await place.open();
      }
    }
    await expect.poll(() => heard.length, WAIT).toBeGreaterThanOrEqual(60);
    expect(heard).toEqual(upTo(60));
  });

  test("what the client publishes while its connection breaks arrives once, in order", async () => {
    const place = await newPlace();
    const { heard, room } = connect(place, options);
    await expect.poll(() => room.joined, WAIT).toBe(true);
    const done = upTo(60).map((number) => room.publish(number));
    await done[3];
    await place.cut();
    await place.open();
    await Promise.all(done);
    await expect.poll(() => heard.length, WAIT).toBeGreaterThanOrEqual(60);
    expect(heard).toEqual(upTo(60));
    const { messages } = await place.hub.history("r", { limit: 100 });
    expect(messages.map(({ data }) => data)).toEqual(upTo(60));
  });
});

test("a hub that closes says when to come back, and the client does not come before", async () => {
  const place = await newPlace();
  const { client, room } = connect(place, { transports: ["websocket"] });
  const pauses: (string | undefined)[] = [];
  client.on("state", ({ state, reason }) => state === "waiting" && pauses.push(reason));
  await expect.poll(() => room.joined, WAIT).toBe(true);
  await place.hub.close({ over: 0 });
  await expect.poll(() => pauses, WAIT).toEqual(["restart"]);
});

test("as many rooms as there may be are joined at once, at the pace that the hub takes, and nobody is sent away for it", async () => {
  const place = await newPlace({ framesPerSecond: 40, maxRooms: 128 });
  const { client } = connect(place, { transports: ["websocket"] });
  const states: string[] = [];
  client.on("state", ({ state, reason = "" }) => states.push(state + reason));
  const rooms = Array.from({ length: 127 }, (_, index) => client.join(`r${index}`));
  await expect.poll(() => rooms.every(({ joined }) => joined), WAIT).toBe(true);
  expect(states).toEqual(["connecting", "open"]);
});

test("more rooms and messages at once than the hub takes: all are joined, all arrive, and what is too large is refused", async () => {
  const place = await newPlace({ framesPerSecond: 100, maxMessageSize: 2_000 });
  const { client, room, heard } = connect(place, { transports: ["websocket"], maxWaiting: 400 });
  const others = Array.from({ length: 120 }, (_, index) => client.join(`r${index}`));
  const sent = Array.from({ length: 220 }, (_, index) => room.publish(index));
  const refused = ["x".repeat(3_000), "€".repeat(700), "x".repeat(3_000_000)].map((data) =>
    room.publish(data as never).then(
      () => "published",
      ({ code }) => code,
    ),
  );
  expect(await Promise.all(refused)).toEqual(["too-large", "too-large", "too-large"]);
  expect(await Promise.all(sent)).toHaveLength(220);
  await expect.poll(() => others.every(({ joined }) => joined), WAIT).toBe(true);
  await expect.poll(() => heard.length, WAIT).toBe(220);
  expect(new Set(heard).size).toBe(220);
  expect(place.hub.stats().connections).toBe(1);
});
