import { describe, expect, test } from "vitest";
import { createHttpbin, startHttpbin } from "../src/index.js";
import { ask, json } from "./ask.js";

describe("startHttpbin", () => {
  test("listens on a free loopback port unless told otherwise", async () => {
    await using server = await startHttpbin();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect((await ask(server.url, { path: "/get" })).status).toBe(200);
  });

  test("takes the options of an application and of listening", async () => {
    const lines: string[] = [];
    await using server = await startHttpbin({
      host: "127.0.0.1",
      port: 0,
      trustProxy: ["127.0.0.1"],
      accessLog: { format: "common", write: (line) => lines.push(line) },
    });
    const answer = await ask(server.url, { path: "/ip", headers: { "X-Forwarded-For": "192.0.2.1" } });
    expect(json(answer)).toEqual({ origin: "192.0.2.1" });
    expect(lines).toHaveLength(1);
  });

  test("its choice among statuses can be foreseen when chance is", async () => {
    await using server = await startHttpbin({ random: () => 0.9 });
    expect((await ask(server.url, { path: "/status/200,500" })).status).toBe(500);
  });
});

describe("createHttpbin", () => {
  test("refuses caps that are none", () => {
    for (const options of [
      { maxDelay: -1 },
      { maxBytes: 1.5 },
      { maxKeys: 0 },
      { maxBytes: Number.NaN },
      { maxBodySize: -1 },
    ]) {
      expect(() => createHttpbin(options)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
    }
  });
});
