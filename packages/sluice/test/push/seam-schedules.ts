/** Hubs and clients that live through schedules made by chance: the seam between history and now, under every order of events. */

import { setImmediate as immediate } from "node:timers/promises";
import { expect } from "vitest";
import { type Random, seededRandom } from "../../src/platform/random.js";
import { MemoryBus } from "../../src/push/bus/memory-bus.js";
import { Hub } from "../../src/push/hub/hub.js";
import { CheckedClient } from "./checked-client.js";
import { anybody, settle } from "./hub-setup.js";
import { type Unruliness, UnrulyBus } from "./unruly-bus.js";

const ROOMS = ["one", "two"];

export interface World {
  readonly hubs: Hub[];
  readonly bus: UnrulyBus;
  readonly clients: CheckedClient[];
  readonly random: Random;
  readonly published: Map<string, string[]>;
}

/** Two hubs on one bus, and clients that come, go, are slow, and publish. */
export async function live(seed: number, unruliness: Unruliness, history: number, steps: number): Promise<World> {
  const random = seededRandom(seed);
  const bus = new UnrulyBus(new MemoryBus(), seededRandom(seed + 1), unruliness);
  const hubs = [0, 1].map(
    () => new Hub({ bus, authorize: anybody, history, random, limits: { framesPerSecond: 1e6 } }),
  );
  for (const hub of hubs) hub.on("error", () => undefined);
  const clients = Array.from({ length: 6 }, (_, index) => new CheckedClient(hubs[index % 2] as Hub));
  const world: World = { hubs, bus, clients, random, published: new Map(ROOMS.map((room) => [room, []])) };
  for (let step = 0; step < steps; step += 1) {
    act(world, step);
    if (random() < 0.5) await immediate();
  }
  return world;
}

function act({ hubs, bus, clients, random, published }: World, step: number): void {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const client = pick(clients);
  const room = pick(ROOMS);
  const dice = random();
  if (dice < 0.55) {
    pick(hubs)
      .publish(room, step)
      .then(
        ({ epoch, offset }) => published.get(room)?.push(`${room} ${epoch}:${offset}`),
        () => undefined,
      );
  } else if (client.connection === undefined || client.connection.owner === undefined) {
    client.connect();
    for (const each of ROOMS) void client.join(each);
  } else if (dice < 0.65) client.drop();
  else if (dice < 0.75) void client.join(room);
  else if (dice < 0.85) client.connection.stuck = true;
  else if (dice < 0.95) client.connection.release();
  else if (dice < 0.97 && bus.unruliness.fail > 0) bus.breakOff();
}

/** Everything works again, and everybody is back: then everybody has to stand where the room stands. */
async function calmDown({ hubs, bus, clients }: World): Promise<void> {
  Object.assign(bus.unruliness, { fail: 0, lose: 0, double: 0 });
  await settle(20);
  for (const client of clients) {
    if (client.connection?.owner === undefined) client.connect();
    client.connection?.release();
    for (const room of ROOMS) await client.join(room);
  }
  // What was lost on the way shows with the next message.
  for (let round = 0; round < 40 && !(await everybodyIsThere(hubs, clients)); round += 1) {
    for (const room of ROOMS) await hubs[0]?.publish(room, "last");
    await new Promise((resolve) => setTimeout(resolve, round < 3 ? 1 : 25)); // a hub that lost the bus tries again by and by
    await settle(10);
  }
}

async function everybodyIsThere(hubs: readonly Hub[], clients: readonly CheckedClient[]): Promise<boolean> {
  for (const room of ROOMS) {
    const { epoch, offset } = (await hubs[0]?.history(room)) ?? { epoch: "", offset: 0 };
    for (const { positions } of clients) {
      const at = positions.get(room);
      if (at?.epoch !== epoch || at.offset !== offset) return false;
    }
  }
  return true;
}

/** Everybody is brought back, and has had everything once, or been told of a gap. */
export async function expectComplete(world: World, gaps: "none" | "told"): Promise<void> {
  await calmDown(world);
  const { clients, hubs, published } = world;
  for (const client of clients) {
    expect(client.faults).toEqual([]);
    expect(new Set(client.seen).size).toBe(client.seen.length);
    if (gaps === "none") expect(client.gaps).toEqual([]);
  }
  expect(await everybodyIsThere(hubs, clients)).toBe(true);
  if (gaps === "none") {
    for (const [, messages] of published) {
      const [epoch] = messages[0]?.split(" ")[1]?.split(":") ?? [];
      for (const message of messages) expect(message).toContain(` ${epoch}:`);
    }
  }
  for (const client of clients) client.drop();
  await Promise.all(hubs.map((hub) => hub.close({ over: 0 })));
  expect(hubs.map((hub) => hub.stats())).toMatchObject([
    { connections: 0, rooms: 0 },
    { connections: 0, rooms: 0 },
  ]);
}
