/** What a client does to its process: what keeps it alive, and what happens when it runs out of file descriptors. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChild } from "./child.js";

let server: Server;
let url = "";

beforeAll(async () => {
  server = createServer((request, reply) => {
    if (request.url === "/slow") setTimeout(() => reply.end("slow"), 300);
    else reply.end("ok");
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Connections and timers would hold the process for many seconds; how long it took to start is the machine's business. */
const LIVED_ON = `
    const done = performance.now();
    process.on("exit", () => console.log(performance.now() - done < 8_000 ? "ended at once" : "lived on"));
`;

test("the default session keeps no process alive, its idle connections and timers included", async () => {
  const outcome = await runChild(`
    import { get, post, request } from "./dist/index.js";
    console.log(await get("${url}").text(), (await post("${url}")).status, (await request("PUT", "${url}")).status);
    ${LIVED_ON}
  `);
  expect([outcome.code, outcome.output.trim(), outcome.errors]).toEqual([0, "ok 200 200\nended at once", ""]);
});

test("a session that nobody closed does not keep its process alive either, whatever its idle time is", async () => {
  const outcome = await runChild(`
    import { ClientSession } from "./dist/index.js";
    const session = new ClientSession({ connector: { keepAliveTimeout: Infinity } });
    console.log(await session.get("${url}").text());
    ${LIVED_ON}
  `);
  expect([outcome.code, outcome.output.trim()]).toEqual([0, "ok\nended at once"]);
});

test("a request under way does keep it alive, on a fresh connection and on a reused one", async () => {
  const outcome = await runChild(`
    import { ClientSession } from "./dist/index.js";
    for (const keepAliveTimeout of [1_000, Infinity]) {
      const session = new ClientSession({ connector: { keepAliveTimeout } });
      await session.get("${url}/slow").text();
      console.log(await session.get("${url}/slow").text());
    }
  `);
  expect([outcome.code, outcome.output.trim()]).toEqual([0, "slow\nslow"]);
});

test("without file descriptors left, connecting waits and tries again: more requests than descriptors all end", async () => {
  const outcome = await runChild(
    `
      import { ClientSession } from "./dist/index.js";
      const session = new ClientSession({ connector: { limit: 400 }, timeout: { connect: 15_000 } });
      const texts = await Promise.all(Array.from({ length: 400 }, () => session.get("${url}").text()));
      console.log(texts.filter((text) => text === "ok").length);
      await session.close();
    `,
    // More than loading the modules takes, which happens all at once.
    { descriptors: 200 },
  );
  expect([outcome.code, outcome.output.trim(), outcome.errors]).toEqual([0, "400", ""]);
});

test("when none comes free, the connect limit ends the wait and names the reason", async () => {
  const outcome = await runChild(
    `
      import { openSync } from "node:fs";
      import { ClientSession } from "./dist/index.js";
      const session = new ClientSession({ timeout: { connect: 700 } });
      await session.get("${url}", { headers: { connection: "close" } }).text();
      try { for (;;) openSync("/dev/null"); } catch {}
      const started = performance.now();
      const error = await session.get("${url}").catch((reason) => reason);
      const waited = performance.now() - started;
      console.log(error.code, error.cause?.code, waited >= 699 && waited < 5_000);
    `,
    { descriptors: 256 },
  );
  expect(outcome.output.trim()).toBe("timeout.connect connect/too-many-files true");
});
