import { setTimeout as later } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { RecentMap } from "../src/recent-map.js";
import { field, json } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const httpbin = useHttpbin();
const forgetful = useHttpbin({ maxKeys: 2 });

describe("/flaky", () => {
  test("fails so many times for each key, then answers", async () => {
    const statuses: number[] = [];
    for (let turn = 0; turn < 5; turn += 1) statuses.push((await httpbin.get("/flaky?fail=3&key=a")).status);
    expect(statuses).toEqual([503, 503, 503, 200, 200]);
    expect((await httpbin.get("/flaky?key=b")).status).toBe(503);
  });

  test("tells which attempt it was", async () => {
    expect(json(await httpbin.get("/flaky?fail=1&key=c"))).toEqual({ attempt: 1, fail: 1, key: "c", ok: false });
    expect(json(await httpbin.send("POST /flaky?fail=1&key=c"))).toEqual({ attempt: 2, fail: 1, key: "c", ok: true });
  });

  test("fails with the status and the Retry-After that are asked for", async () => {
    const answer = await httpbin.get("/flaky?key=d&status=429&retry_after=7");
    expect([answer.status, field(answer, "retry-after")]).toEqual([429, "7"]);
    for (const query of ["fail=x", "status=200", "status=600", "retry_after=x", `key=${"k".repeat(201)}`]) {
      expect((await httpbin.get(`/flaky?${query}`)).status).toBe(400);
    }
  });

  test("forgets the key that was not asked for longest when there are too many", async () => {
    const status = async (key: string): Promise<number> => (await forgetful.get(`/flaky?fail=1&key=${key}`)).status;
    expect([await status("a"), await status("b"), await status("a"), await status("c")]).toEqual([503, 503, 200, 503]);
    expect([await status("a"), await status("b")]).toEqual([200, 503]);
  });
});

describe("/rate-limited", () => {
  test("lets a burst through, then says how long to wait", async () => {
    const path = "/rate-limited?requests=2&per=60&key=a";
    expect(json(await httpbin.get(path))).toEqual({ key: "a", limited: false, remaining: 1 });
    expect(json(await httpbin.get(path))).toEqual({ key: "a", limited: false, remaining: 0 });
    const refused = await httpbin.get(path);
    expect([refused.status, field(refused, "retry-after")]).toEqual([429, "30"]);
    expect(json(refused)).toMatchObject({ limited: true, key: "a" });
  });

  test("limits each key and each limit for itself, by the client's address without a key", async () => {
    expect((await httpbin.get("/rate-limited?requests=1&per=60&key=b")).status).toBe(200);
    expect((await httpbin.get("/rate-limited?requests=1&per=60&key=c")).status).toBe(200);
    expect((await httpbin.get("/rate-limited?requests=1&per=61&key=c")).status).toBe(200);
    expect((await httpbin.get("/rate-limited?requests=1&per=60&key=c")).status).toBe(429);
    expect(json(await httpbin.get("/rate-limited"))).toEqual({ key: "127.0.0.1", limited: false, remaining: 9 });
  });

  test("a refused request costs nothing: after the wait the next one passes", async () => {
    const path = "/rate-limited?requests=1&per=0.3&key=d";
    expect((await httpbin.get(path)).status).toBe(200);
    for (let turn = 0; turn < 5; turn += 1) expect((await httpbin.get(path)).status).toBe(429);
    await later(350);
    expect((await httpbin.get(path)).status).toBe(200);
  });

  test("a limit is positive", async () => {
    for (const query of ["requests=0", "per=0", "requests=x", "per=-1"]) {
      expect((await httpbin.get(`/rate-limited?${query}`)).status).toBe(400);
    }
  });
});

describe("/close", () => {
  test("breaks off after the head", async () => {
    const { status, body, broken } = await httpbin.get("/close?at=head");
    expect([status, body.byteLength, broken !== undefined]).toEqual([200, 0, true]);
  });

  test("breaks off within a body of known length, and does so unless told otherwise", async () => {
    for (const path of ["/close?at=body", "/close"]) {
      const answer = await httpbin.get(path);
      expect([field(answer, "content-length"), answer.body.byteLength, answer.broken !== undefined]).toEqual([
        "1024",
        512,
        true,
      ]);
    }
  });

  test("breaks off between chunks", async () => {
    const answer = await httpbin.get("/close?at=chunk");
    expect(field(answer, "transfer-encoding")).toBe("chunked");
    expect([answer.body.byteLength, answer.broken !== undefined]).toEqual([512, true]);
  });

  test("knows no other places", async () => {
    for (const at of ["tail", "", "constructor"]) expect((await httpbin.get(`/close?at=${at}`)).status).toBe(400);
  });
});

test("a RecentMap keeps what was set last", () => {
  const map = new RecentMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.set("c", 4);
  expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([3, undefined, 4, 2]);
});
