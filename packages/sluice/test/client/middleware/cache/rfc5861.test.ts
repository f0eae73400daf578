/** RFC 5861, clause by clause: answers that are used past their time, while they are asked about or because of an error. */
import { describe, expect, test } from "vitest";
import { always, CachedOrigin, type Clause, fresh, reply, second } from "./cached-origin.js";

const STALE: readonly Clause[] = [
  [
    "3",
    "stale-while-revalidate: used at once, asked about behind it, once; the next request has the new one",
    async () => {
      const origin = new CachedOrigin(always("cache-control: max-age=10, stale-while-revalidate=20"));
      await origin.get();
      await origin.pass(15);
      const both = await Promise.all([origin.get(), origin.get()]);
      expect(both.map(({ how, body }) => [how, body])).toEqual([
        ["stale", "body 1"],
        ["stale", "body 1"],
      ]);
      await origin.pass(0);
      const next = await origin.get();
      expect([next.how, next.body, origin.asked]).toEqual(["hit", "body 2", 2]);
    },
  ],
  [
    "3",
    "stale-while-revalidate: at its end and beyond it is waited for",
    async () => {
      const script = always("cache-control: max-age=10, stale-while-revalidate=20");
      expect([await second(script, 29), await second(script, 30)]).toEqual(["stale", "miss"]);
    },
  ],
  [
    "4",
    "stale-if-error: stands in for 500, 502, 503, 504 and a lost connection, for so long and no longer",
    async () => {
      for (const fault of [500, 502, 503, 504, 0]) {
        const origin = new CachedOrigin((seen, count, self) => {
          if (count === 1) return fresh(self, "good", "cache-control: max-age=10, stale-if-error=20");
          if (fault > 0) return reply(fault, "bad");
          seen.connection.reset();
          return undefined;
        });
        await origin.get();
        await origin.pass(30);
        const used = await origin.get();
        expect([used.how, used.body], String(fault)).toEqual(["stale", "good"]);
        await origin.pass(1);
        if (fault > 0) expect((await origin.get()).status).toBe(fault);
        else await expect(origin.get()).rejects.toThrow("connection");
      }
    },
  ],
  [
    "4",
    "stale-if-error does not stand in for a caller's mistake, nor for another status",
    async () => {
      const origin = new CachedOrigin((_seen, count, self) => {
        return count === 1 ? fresh(self, "good", "cache-control: max-age=1, stale-if-error=60") : reply(404, "gone");
      });
      await origin.get();
      await origin.pass(2);
      expect((await origin.get()).status).toBe(404);
    },
  ],
  [
    "4",
    "stale-if-error in a request allows it as well",
    async () => {
      const origin = new CachedOrigin((_seen, count, self) => {
        return count === 1 ? fresh(self, "good", "cache-control: max-age=10") : reply(503, "bad");
      });
      await origin.get();
      await origin.pass(20);
      expect((await origin.get({ "cache-control": "stale-if-error=9" })).status).toBe(503);
      expect((await origin.get({ "cache-control": "stale-if-error=10" })).how).toBe("stale");
    },
  ],
  [
    "4",
    "must-revalidate and no-cache outweigh stale-if-error",
    async () => {
      for (const more of ["must-revalidate", "no-cache"]) {
        const origin = new CachedOrigin((_seen, count, self) => {
          if (count > 1) return reply(503, "bad");
          return fresh(self, "good", `cache-control: max-age=10, stale-if-error=60, ${more}`);
        });
        await origin.get();
        await origin.pass(20);
        expect((await origin.get()).status, more).toBe(503);
      }
    },
  ],
];

describe("RFC 5861", () => {
  test.each(STALE)("§%s: %s", (_section, _says, check) => check());
});
