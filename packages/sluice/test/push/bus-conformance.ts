/**
 * What every `Bus` has to do, as tests: for `MemoryBus`, and for any other that somebody writes (see `src/push/bus/bus.ts`). Time is real, and margins
 * are wide, because a bus may be another process.
 */

import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type {
  Bus,
  BusListener,
  BusMessage,
  NewMessage,
  PresenceChange,
  Published,
  Retention,
} from "../../src/push/bus/bus.js";

const KEEP: Retention = { count: 100, ageMs: 60_000, bytes: 1_000_000 };
const ALL = { limit: 1_000, maxBytes: 1_000_000 };

/** Remembers what it is told. */
class Listener implements BusListener {
  readonly messages: BusMessage[] = [];
  readonly changes: PresenceChange[] = [];
  readonly lost: Error[] = [];

  onMessage(message: BusMessage): void {
    this.messages.push(message);
  }

  onPresence(change: PresenceChange): void {
    this.changes.push(change);
  }

  onLost(error: Error): void {
    this.lost.push(error);
  }
}

function message(data: unknown, more: Partial<NewMessage> = {}): NewMessage {
  return { data: JSON.stringify(data), ts: Date.now(), ...more };
}

/** Declares the tests. `make` gives a bus; buses that it gives in one test are connected. */
export function describeBus(name: string, make: () => Promise<Bus> | Bus): void {
  describe(`${name} as a bus`, () => {
    const open: Bus[] = [];
    const bus = async (): Promise<Bus> => {
      const made = await make();
      open.push(made);
      return made;
    };
    afterEach(async () => {
      await Promise.all(open.splice(0).map((each) => each.close()));
    });
    const room = (): string => `room ${randomUUID()}`;

    it("numbers messages from 1 without a hole, in one epoch", async () => {
      const [one, name] = [await bus(), room()];
      await one.subscribe(name, new Listener());
      const published: Published[] = [];
      for (let index = 0; index < 5; index += 1) published.push(await one.publish(name, message(index), KEEP));
      expect(published.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
      expect(new Set(published.map(({ epoch }) => epoch)).size).toBe(1);
      expect(published[0]?.epoch).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
      expect(published[0]).toEqual({
        epoch: published[0]?.epoch,
        offset: 1,
        id: `${published[0]?.epoch}:1`,
        duplicate: false,
      });
    });

    it("numbers those that are published at the same time as well", async () => {
      const [one, name] = [await bus(), room()];
      await one.subscribe(name, new Listener());
      const published = await Promise.all(
        Array.from({ length: 50 }, (_, index) => one.publish(name, message(index), KEEP)),
      );
      expect(new Set(published.map(({ offset }) => offset)).size).toBe(50);
      const { messages } = await one.history(name, { before: Number.POSITIVE_INFINITY, ...ALL });
      expect(messages.map(({ offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    });

    it("delivers every message after the subscription's position, whole", async () => {
      const [one, name, listener] = [await bus(), room(), new Listener()];
      await one.publish(name, message("before"), KEEP);
      const { epoch, offset } = await one.subscribe(name, listener);
      expect(offset).toBe(1);
      const given = message({ text: "é" }, { id: "own", key: "k", from: { id: "ada", info: [1] } });
      await one.publish(name, given, KEEP);
      await expect.poll(() => listener.messages).toEqual([{ ...given, epoch, offset: 2 }]);
    });

    it("delivers nothing more once a subscription is closed, and keeps rooms apart", async () => {
      const [one, name, listener] = [await bus(), room(), new Listener()];
      const subscription = await one.subscribe(name, listener);
      await one.publish(room(), message(1), KEEP);
      await subscription.close();
      await one.publish(name, message(2), KEEP);
      await one.history(name, { before: Number.POSITIVE_INFINITY, ...ALL });
      expect(listener.messages).toEqual([]);
    });

    it("a message that was delivered, or whose publishing has resolved, is in the history", async () => {
      const [one, name] = [await bus(), room()];
      const read: Promise<boolean>[] = [];
      const listener = new Listener();
      listener.onMessage = ({ epoch, offset }) => {
        const page = one.history(name, { after: { epoch, offset: offset - 1 }, ...ALL });
        read.push(page.then(({ messages }) => messages[0]?.offset === offset));
      };
      await one.subscribe(name, listener);
      for (let index = 0; index < 5; index += 1) {
        const { epoch, offset } = await one.publish(name, message(index), KEEP);
        expect((await one.history(name, { after: { epoch, offset: offset - 1 }, ...ALL })).messages).toHaveLength(1);
      }
      await expect.poll(() => read.length).toBe(5);
      expect(await Promise.all(read)).toEqual([true, true, true, true, true]);
    });

    it("reads the history forward and backward, bounded in messages and in bytes but for the first", async () => {
      const [one, name] = [await bus(), room()];
      let epoch = "";
      for (let index = 1; index <= 5; index += 1) ({ epoch } = await one.publish(name, message("x".repeat(8)), KEEP));
      const offsets = async (query: object): Promise<unknown> => {
        const page = await one.history(name, { ...ALL, ...query });
        expect(page).toMatchObject({ epoch, offset: 5 });
        return [page.messages.map(({ offset }) => offset), page.more];
      };
      expect(await offsets({ after: { epoch, offset: 2 } })).toEqual([[3, 4, 5], false]);
      expect(await offsets({ after: { epoch, offset: 2 }, limit: 2 })).toEqual([[3, 4], true]);
      expect(await offsets({ after: { epoch, offset: 2 }, limit: 3 })).toEqual([[3, 4, 5], false]);
      expect(await offsets({ after: { epoch, offset: 2 }, maxBytes: 20 })).toEqual([[3, 4], true]);
      expect(await offsets({ after: { epoch, offset: 2 }, maxBytes: 19 })).toEqual([[3], true]);
      expect(await offsets({ after: { epoch, offset: 2 }, maxBytes: 1 })).toEqual([[3], true]);
      expect(await offsets({ after: { epoch, offset: 5 } })).toEqual([[], false]);
      expect(await offsets({ after: { epoch, offset: 9 } })).toEqual([[], false]);
      expect(await offsets({ after: { epoch: "other", offset: 4 }, limit: 2 })).toEqual([[1, 2], true]);
      expect(await offsets({ before: Number.POSITIVE_INFINITY, limit: 2 })).toEqual([[4, 5], true]);
      expect(await offsets({ before: 3 })).toEqual([[1, 2], false]);
      expect(await offsets({ before: 3, limit: 1 })).toEqual([[2], true]);
      expect(await offsets({ before: 4, maxBytes: 1 })).toEqual([[3], true]);
      expect(await offsets({ before: 1 })).toEqual([[], false]);
    });

    it("forgets what is beyond the retention, by count and by bytes, and never its numbers", async () => {
      const one = await bus();
      for (const [retention, kept] of [
        [{ ...KEEP, count: 2 }, [4, 5]],
        [{ ...KEEP, bytes: 10 }, [5]],
        [{ ...KEEP, bytes: 9 }, []],
        [{ ...KEEP, count: 0 }, []],
      ] as const) {
        const name = room();
        await one.subscribe(name, new Listener());
        for (let index = 1; index <= 5; index += 1) await one.publish(name, message("x".repeat(8)), retention);
        const { messages, offset } = await one.history(name, { before: Number.POSITIVE_INFINITY, ...ALL });
        expect(messages.map((each) => each.offset)).toEqual(kept);
        expect(offset).toBe(5);
      }
    });

    it("publishes an id once as long as it is remembered, also if it is published twice at a time", async () => {
      const [one, name, listener] = [await bus(), room(), new Listener()];
      await one.subscribe(name, listener);
      const again = (): ReturnType<Bus["publish"]> => one.publish(name, message(1, { id: "a" }), { ...KEEP, count: 1 });
      const both = await Promise.all([again(), again()]);
      expect(both.map(({ offset, id }) => [offset, id])).toEqual([
        [1, "a"],
        [1, "a"],
      ]);
      expect(both.map(({ duplicate }) => duplicate).sort()).toEqual([false, true]);
      await one.publish(name, message(2), { ...KEEP, count: 1 });
      expect(await again()).toMatchObject({ offset: 3, duplicate: false });
      await expect.poll(() => listener.messages.length).toBe(3);
    });

    it("gives the id of a place to the message of that place only, whoever claims it", async () => {
      const [one, name] = [await bus(), room()];
      const publish = (id?: string) =>
        one.publish(name, message(1, id === undefined ? {} : { id }), { ...KEEP, count: 2 });
      const { epoch } = await publish();
      const place = (offset: number | string): string => `${epoch}:${offset}`;
      expect(await publish(place(1))).toMatchObject({ offset: 1, id: place(1), duplicate: true });
      expect(await publish(place(3))).toMatchObject({ offset: 2, id: place(2), duplicate: false });
      expect(await publish()).toMatchObject({ offset: 3, id: place(3), duplicate: false });
      // What is forgotten, and what names no place, is published as if it had no id.
      for (const [index, claimed] of [1, "01", "-1", "", "3.0", "x"].entries())
        expect(await publish(place(claimed))).toMatchObject({ offset: 4 + index, id: place(4 + index) });
      expect(await publish("another:1")).toMatchObject({ id: "another:1" });
    });

    it("says who is present: users once, connections all, in the order of coming", async () => {
      const [one, name] = [await bus(), room()];
      const [ada, bob] = [{ id: "ada", info: { name: "Ada" } }, { id: "bob" }];
      await one.touch(
        name,
        [
          { connection: "1", user: ada },
          { connection: "2", user: bob },
        ],
        60_000,
      );
      await one.touch(
        name,
        [
          { connection: "3", user: ada },
          { connection: "4", user: undefined },
        ],
        60_000,
      );
      await one.touch(name, [{ connection: "1", user: ada }], 60_000);
      expect(await one.presence(name, 10)).toEqual({
        users: 2,
        connections: 4,
        members: [
          { ...ada, connections: 2 },
          { ...bob, connections: 1 },
        ],
      });
      expect((await one.presence(name, 1)).members).toHaveLength(1);
      expect(await one.presence(room(), 10)).toEqual({ users: 0, connections: 0, members: [] });
    });

    it("tells of users who come and go, once each", async () => {
      const [one, name, listener] = [await bus(), room(), new Listener()];
      await one.subscribe(name, listener);
      const user = { id: "ada" };
      await one.touch(
        name,
        [
          { connection: "1", user },
          { connection: "2", user },
        ],
        60_000,
      );
      await one.release(name, ["1"], 0);
      await one.release(name, ["2", "unknown"], 0);
      await expect.poll(() => listener.changes.length).toBe(2);
      expect(listener.changes).toMatchObject([
        { event: "join", user, users: 1 },
        { event: "leave", user, users: 0, connections: 0 },
      ]);
    });

    it("lets users linger who were lost, and leases run out that are not renewed", async () => {
      const [one, name, listener] = [await bus(), room(), new Listener()];
      await one.subscribe(name, listener);
      await one.touch(name, [{ connection: "1", user: { id: "ada" } }], 60_000);
      await one.touch(name, [{ connection: "2", user: { id: "bob" } }], 80);
      await one.release(name, ["1"], 80);
      expect(await one.presence(name, 10)).toMatchObject({ users: 2, connections: 1 });
      expect(listener.changes.map(({ event }) => event)).toEqual(["join", "join"]);
      await expect.poll(() => one.presence(name, 10), { timeout: 5_000 }).toMatchObject({ users: 0, connections: 0 });
      await expect.poll(() => listener.changes.map(({ event }) => event)).toEqual(["join", "join", "leave", "leave"]);
    });

    it("two that are connected are one bus", async () => {
      const [one, two, name, listener] = [await bus(), await bus(), room(), new Listener()];
      await two.subscribe(name, listener);
      const { epoch } = await one.publish(name, message(1), KEEP);
      await one.touch(name, [{ connection: "1", user: { id: "ada" } }], 60_000);
      await expect.poll(() => [listener.messages.length, listener.changes.length]).toEqual([1, 1]);
      expect(await two.publish(name, message(2), KEEP)).toMatchObject({ epoch, offset: 2 });
    });
  });
}
