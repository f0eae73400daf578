/** What the dashboard measures, and what its page keeps. */
import { setImmediate as turn } from "node:timers/promises";
import { Application, reply } from "sluice/server";
import { testClient } from "sluice/testing";
import { afterEach, expect, test } from "vitest";
import { History, MOST_SAMPLES } from "../browser/dashboard/history.js";
import { dashboardApp } from "../src/dashboard/dashboard-app.js";
import { Recorder } from "../src/dashboard/recorder.js";
import type { Sample } from "../src/dashboard/sample.js";

const COUNTS = { connections: 3, watchers: 2 };
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

function sample(at: number): Sample {
  const figures = { requests: 1, failures: 0, p50: 1, p95: 2, p99: null, delayMean: 0, delayMax: 0, rss: 1, heap: 1 };
  return { at, span: 1_000, ...figures, ...COUNTS };
}

test("a sample has the answers since the last one, and what failed of them", async () => {
  const app = new Application();
  const recorder = new Recorder(app);
  app.get("/", () => "fine");
  app.get("/broken", () => reply.text("no", { status: 503 }));
  const client = testClient(app);
  cleanUps.push(() => client.close());
  for (const path of ["/", "/", "/", "/broken"]) await (await client.get(path)).text();
  await turn();
  const first = recorder.take(COUNTS);
  expect(first).toMatchObject(COUNTS);
  expect(first.failures * 4).toBeCloseTo(first.requests, 5);
  expect(first.p50).toBeGreaterThanOrEqual(0);
  expect(first.p99).toBeGreaterThanOrEqual(first.p50 ?? 0);
  expect(first.rss).toBeGreaterThan(first.heap);
  expect(recorder.take(COUNTS)).toMatchObject({ requests: 0, failures: 0, p50: null, p95: null, p99: null });
});

test("everybody may look, nobody may publish", async () => {
  const { app } = dashboardApp();
  const client = testClient(app);
  cleanUps.push(() => client.close());
  const refused = await client.post("/push/events", { json: { type: "publish", room: "metrics", data: 1 } });
  expect([refused.status, await refused.json()]).toMatchObject([403, { type: "error", code: "forbidden" }]);
  for (const path of ["/", "/uplot.js", "/uplot.css", "/dashboard.css", "/scripts/dashboard/dashboard.js"]) {
    expect([path, (await client.get(path)).status]).toEqual([path, 200]);
  }
});

test("the page keeps samples in the order of time, each once, and never more than five minutes of them", () => {
  const history = new History();
  history.add([sample(3_000), sample(1_000)]);
  history.add([sample(2_000), sample(3_000)]);
  expect(history.columns(["requests", "p99"])).toEqual([
    [1, 2, 3],
    [1, 1, 1],
    [null, null, null],
  ]);
  expect(history.latest(2).map(({ at }) => at)).toEqual([3_000, 2_000]);
  history.add(Array.from({ length: MOST_SAMPLES }, (_, index) => sample(10_000 + index)));
  expect([history.size, history.newest?.at]).toEqual([MOST_SAMPLES, 10_000 + MOST_SAMPLES - 1]);
});

test("where nothing was measured, a row of nulls breaks the curves", () => {
  const history = new History();
  // The third begins as late after the second as it is long, the fourth later.
  history.add([sample(1_000), sample(2_000), sample(4_000), sample(6_001)]);
  expect(history.columns(["requests"])).toEqual([
    [1, 2, 4, 5.001, 6.001],
    [1, 1, 1, null, 1],
  ]);
  expect(history.size).toBe(4);
});
