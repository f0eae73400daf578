/** How a room's messages are given to many members: in turns, and together where they came together. */

import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/platform/random.js";
import { CheckedClient } from "./checked-client.js";
import { makeHub, settle, type TestClient } from "./hub-setup.js";

/** Turns of the event loop so far, from when it is asked first. */
function countTurns(): { turn: number; stop: () => void } {
  const counter = { turn: 0, stop: () => clearImmediate(next) };
  const count = () => {
    counter.turn += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  return counter;
}

/** In which turns each member is given messages: how often it is written to. */
function watch(clients: readonly TestClient[], counter: { readonly turn: number }): Set<number>[] {
  return clients.map((client) => {
    const turns = new Set<number>();
    client.onFrame = ({ type }) => {
      if (type === "message") turns.add(counter.turn);
    };
    return turns;
  });
}

async function members(count: number): Promise<{ clients: TestClient[] } & ReturnType<typeof makeHub>> {
  const made = makeHub({ history: 10_000 });
  const clients = Array.from({ length: count }, () => made.connect());
  await Promise.all(clients.map((client) => client.join("r")));
  return { clients, ...made };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe("rounds", () => {
  it("a room of up to 128 has a message at once; in a larger one 128 have it, and the others in later turns", async () => {
    const { hub, clients } = await members(300);
    await hub.publish("r", "x");
    expect(clients.filter(({ offsets }) => offsets.length === 1)).toEqual(clients.slice(0, 128));
    await settle(1);
    expect(clients.filter(({ offsets }) => offsets.length === 1)).toEqual(clients.slice(0, 256));
    await settle(1);
    expect(clients.filter(({ offsets }) => offsets.length === 1)).toEqual(clients);
  });

  it("what comes while a message is on its way to many reaches each of them in one more turn at the most", async () => {
    const { hub, clients } = await members(1_000);
    const counter = countTurns();
    const turns = watch(clients, counter);
    for (let index = 0; index < 40; index += 1) void hub.publish("r", index);
    await settle(40);
    counter.stop();
    expect(clients.filter(({ offsets }) => offsets.join() !== upTo(40).join())).toEqual([]);
    expect(Math.max(...turns.map(({ size }) => size))).toBe(2); // those who were given the first by itself
    expect(turns.filter(({ size }) => size === 1)).toHaveLength(1_000 - 128);
  });

  it("a stream of messages is given out in rounds: a member is not written to once for each", async () => {
    const { hub, clients } = await members(1_000);
    const counter = countTurns();
    const turns = watch(clients, counter);
    for (let index = 0; index < 200; index += 1) {
      await hub.publish("r", index);
      await settle(1);
    }
    await settle(40);
    counter.stop();
    expect(clients.filter(({ offsets }) => offsets.join() !== upTo(200).join())).toEqual([]);
    // 8 turns a round.
    expect(Math.max(...turns.map(({ size }) => size))).toBeLessThanOrEqual(200 / 8 + 2);
  });

  it("of a flood so many are given at once as are bounded: 64 messages, or 32 KiB", async () => {
    const { hub, clients } = await members(300);
    for (let index = 0; index < 200; index += 1) void hub.publish("r", index);
    await settle(1);
    expect(clients[0]?.offsets.length).toBe(1);
    expect(clients[200]?.offsets).toEqual(upTo(64));
    await settle(40);
    for (let index = 0; index < 20; index += 1) void hub.publish("r", "x".repeat(10_000));
    await settle(1);
    expect(clients[200]?.offsets).toEqual(upTo(204)); // the fourth makes it full
    await settle(60);
    expect(clients.filter(({ offsets }) => offsets.join() !== upTo(220).join())).toEqual([]);
  });

  it("a room that stands still costs no turns", async () => {
    const { hub, clients } = await members(300);
    await hub.publish("r", "x");
    await settle(10);
    const before = process.getActiveResourcesInfo().filter((name) => name === "Immediate").length;
    expect(before).toBe(0);
    expect(clients.at(-1)?.offsets).toEqual([1]);
  });

  it("whoever comes, goes, and comes back in the middle of rounds misses nothing and has nothing twice", async () => {
    const { hub } = makeHub({ history: 10_000 });
    const random = seededRandom(7);
    const clients = Array.from({ length: 700 }, () => new CheckedClient(hub));
    for (const client of clients) client.connect();
    await Promise.all(clients.map((client) => client.join("r", { history: 0 })));
    for (let index = 0; index < 300; index += 1) {
      void hub.publish("r", index);
      if (random() < 0.5) await settle(1);
      for (let count = 0; count < 5; count += 1) {
        const client = clients[Math.floor(random() * clients.length)];
        if (client === undefined) continue;
        if (client.connection !== undefined) client.drop();
        else {
          client.connect();
          void client.join("r");
        }
      }
    }
    for (const client of clients) {
      if (client.connection !== undefined) continue;
      client.connect();
      void client.join("r");
    }
    await settle(100);
    expect(clients.flatMap(({ faults, gaps }) => [...faults, ...gaps])).toEqual([]);
    expect(clients.filter(({ seen }) => seen.length !== 300)).toEqual([]);
  });

  it("the first who leave do not make later ones miss what the first were too early for", async () => {
    const { hub, clients } = await members(600);
    await hub.publish("r", 1);
    await settle(1); // 256 have it
    void hub.publish("r", 2);
    await settle(1);
    for (const client of clients.slice(0, 200)) client.drop();
    await settle(40);
    expect(clients.slice(200).filter(({ offsets }) => offsets.join() !== "1,2")).toEqual([]);
  });
});
