import { expect, test } from "vitest";
import { field } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const httpbin = useHttpbin();

test("/sse sends so many events, and goes on behind the last one that was seen", async () => {
  const whole = await httpbin.get("/sse?count=3&delay=0");
  expect(field(whole, "content-type")).toMatch(/^text\/event-stream/);
  const ids = (text: string): string[] => [...text.matchAll(/^id: ?(\d+)$/gm)].map(([, id]) => id ?? "");
  expect(ids(whole.body.toString())).toEqual(["1", "2", "3"]);
  expect(whole.body.toString()).toMatch(/^data: ?\{"id":3,"of":3\}$/m);
  const rest = await httpbin.get("/sse?count=3&delay=0", { "Last-Event-ID": "2" });
  expect(ids(rest.body.toString())).toEqual(["3"]);
  expect(ids((await httpbin.get("/sse?count=2&delay=0", { "Last-Event-ID": "x" })).body.toString())).toHaveLength(2);
});

test("/sse refuses what is no number of events", async () => {
  for (const path of ["/sse?count=0", "/sse?count=x", "/sse?delay=x"])
    expect((await httpbin.get(path)).status).toBe(400);
});
