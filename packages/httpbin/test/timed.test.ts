import { connect } from "node:net";
import { setTimeout as later } from "node:timers/promises";
import type { Server } from "sluice/server";
import { describe, expect, test } from "vitest";
import { startHttpbin } from "../src/index.js";
import { field, json } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const httpbin = useHttpbin();
const impatient = useHttpbin({ maxDelay: 50 });

async function timed<Value>(job: () => Promise<Value>): Promise<[Value, number]> {
  const begun = performance.now();
  const value = await job();
  return [value, performance.now() - begun];
}

/** A reset: a client that only half-closes still wants its answer. */
async function askAndVanish(server: Server, path: string): Promise<void> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: example.com\r\n\r\n`);
  while (server.connections.open === server.connections.idle) await later(5);
  socket.resetAndDestroy();
}

describe("/delay", () => {
  test("echoes after the delay, for every method", async () => {
    const [answer, elapsedMs] = await timed(() => httpbin.send("POST /delay/0.2?a=1", { body: "text" }));
    expect(elapsedMs).toBeGreaterThan(190);
    expect(json(answer)).toMatchObject({ args: { a: "1" }, data: "text" });
    expect(json(answer)).not.toHaveProperty("json");
    expect((await httpbin.send("QUERY /delay/0")).status).toBe(200);
    expect((await httpbin.send("HEAD /delay/0")).status).toBe(200);
  });

  test("is cut down to the cap", async () => {
    const [answer, elapsedMs] = await timed(() => impatient.get("/delay/8"));
    expect(answer.status).toBe(200);
    expect(elapsedMs).toBeLessThan(5_000);
  });

  test("is a number of seconds", async () => {
    for (const text of ["x", "-1", "1e3", "1.", "NaN", "Infinity"]) {
      expect((await httpbin.get(`/delay/${text}`)).status).toBe(400);
    }
  });

  test("ends when the client goes away", async () => {
    const server = await startHttpbin();
    await askAndVanish(server, "/delay/10");
    const [, elapsedMs] = await timed(() => server.close({ grace: 9_000 }));
    expect(elapsedMs).toBeLessThan(5_000);
  });
});

describe("/drip and /slow", () => {
  test("send stars at even intervals, their number in the head", async () => {
    const [answer, elapsedMs] = await timed(() => httpbin.get("/drip?numbytes=5&duration=0.25"));
    expect([answer.body.toString(), field(answer, "content-length")]).toEqual(["*****", "5"]);
    // The last of five leaves after four fifths.
    expect(elapsedMs).toBeGreaterThan(190);
  });

  test("the head comes before the drops, after the delay", async () => {
    const [, headMs] = await timed(() => httpbin.send("GET /drip?duration=8&delay=0.1", { headOnly: true }));
    expect(headMs).toBeGreaterThan(90);
    expect(headMs).toBeLessThan(4_000);
    const [slow, slowMs] = await timed(() => httpbin.get("/slow?delay=0.2&duration=0&numbytes=3"));
    expect(slow.body.toString()).toBe("***");
    expect(slowMs).toBeGreaterThan(190);
  });

  test("have 10 bytes and take 2 s, /slow after 2 s more, unless told otherwise or capped", async () => {
    for (const path of ["/drip", "/slow"]) {
      const [answer, elapsedMs] = await timed(() => impatient.get(path));
      expect(answer.body.byteLength).toBe(10);
      expect(elapsedMs).toBeLessThan(1_500);
    }
  });

  test("many bytes leave in larger drops, in time", async () => {
    const [answer, elapsedMs] = await timed(() => httpbin.get("/drip?numbytes=3000000&duration=0.2"));
    expect(answer.body.byteLength).toBe(3_000_000);
    expect(elapsedMs).toBeLessThan(5_000);
  });

  test("answer with the status that is asked for", async () => {
    expect((await httpbin.get("/drip?duration=0&code=500")).status).toBe(500);
    for (const query of ["code=99", "code=600", "code=x", "numbytes=0", "numbytes=-1", "duration=x", "delay=-1"]) {
      expect([query, (await httpbin.get(`/drip?${query}`)).status]).toEqual([query, 400]);
    }
  });

  test("end when the client goes away in the middle", async () => {
    const server = await startHttpbin();
    await askAndVanish(server, "/drip?duration=10&numbytes=2");
    const [, elapsedMs] = await timed(() => server.close({ grace: 9_000 }));
    expect(elapsedMs).toBeLessThan(5_000);
  });
});
