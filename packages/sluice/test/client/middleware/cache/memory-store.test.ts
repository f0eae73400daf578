import { expect, test } from "vitest";
import type { CacheEntry } from "../../../../src/client/middleware/cache/store/cache-store.js";
import { MemoryCacheStore } from "../../../../src/client/middleware/cache/store/memory-store.js";

/** An entry that counts as 1,024 bytes and its body. */
function entry(bodyBytes: number): CacheEntry {
  const body = new Uint8Array(bodyBytes);
  return {
    status: 200,
    statusText: "",
    version: 11,
    fields: [],
    body,
    decoded: false,
    requestedAt: 0,
    receivedAt: 0,
    selecting: [],
  };
}

test("what was set is there, until it is replaced or deleted; bytes are counted", () => {
  const store = new MemoryCacheStore();
  const entries = [entry(10), entry(20)];
  store.set("a", entries);
  expect([store.get("a"), store.size, store.bytes]).toEqual([entries, 1, 2 * 1_024 + 30]);
  store.set("a", [entry(5)]);
  expect(store.bytes).toBe(1_029);
  store.delete("a");
  store.delete("a");
  expect([store.get("a"), store.size, store.bytes]).toEqual([undefined, 0, 0]);
});

test("field lines count", () => {
  const store = new MemoryCacheStore();
  store.set("a", [{ ...entry(0), fields: ["name", "value"], selecting: ["accept", "12"], statusText: "OK" }]);
  expect(store.bytes).toBe(1_024 + 9 + 8 + 2);
});

test("maxBytes: at it, one past it, off; the least recently used goes", () => {
  const two = 2 * (1_024 + 100);
  const at = new MemoryCacheStore({ maxBytes: two });
  for (const key of ["a", "b"]) at.set(key, [entry(100)]);
  expect(at.size).toBe(2);
  at.get("a");
  at.set("c", [entry(100)]);
  expect([at.get("a") !== undefined, at.get("b"), at.get("c") !== undefined]).toEqual([true, undefined, true]);
  const past = new MemoryCacheStore({ maxBytes: two - 1 });
  for (const key of ["a", "b"]) past.set(key, [entry(100)]);
  expect(past.size).toBe(1);
  const off = new MemoryCacheStore({ maxBytes: Number.POSITIVE_INFINITY });
  for (let at_ = 0; at_ < 100; at_ += 1) off.set(String(at_), [entry(1_000_000)]);
  expect(off.size).toBe(100);
});

test("entries too many for maxBytes by themselves: the newest that fit are kept, and nothing else goes for the others", () => {
  const store = new MemoryCacheStore({ maxBytes: 5_000 });
  store.set("a", [entry(0), entry(2_000), entry(2_000)]);
  expect(store.get("a")?.map(({ body }) => body.byteLength)).toEqual([0, 2_000]);
  store.set("b", [entry(9_000)]);
  expect([store.get("b"), store.size]).toEqual([undefined, 1]);
});

test("maxKeys: at it, one past it, off", () => {
  for (const [maxKeys, kept] of [
    [3, 3],
    [2, 2],
    [Number.POSITIVE_INFINITY, 3],
  ] as const) {
    const store = new MemoryCacheStore({ maxKeys });
    for (const key of ["a", "b", "c"]) store.set(key, [entry(1)]);
    expect([store.size, store.get("c") !== undefined]).toEqual([kept, true]);
  }
});

test("clear forgets everything; limits out of range and unknown ones are refused", () => {
  const store = new MemoryCacheStore();
  store.set("a", [entry(1)]);
  store.clear();
  expect([store.size, store.bytes]).toEqual([0, 0]);
  expect(() => new MemoryCacheStore({ maxKeys: 0 })).toThrow("maxKeys");
  expect(() => new MemoryCacheStore({ maxBytes: -1 })).toThrow("maxBytes");
  expect(() => new MemoryCacheStore({ max: 1 } as object)).toThrow('"max"');
});
