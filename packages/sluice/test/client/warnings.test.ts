/** Development warnings: each once for its place, none in production. In processes of their own, because garbage is collected there. */
import { describe, expect, test } from "vitest";
import { type ChildOutcome, runChild } from "./child.js";

/**
 * Declarations for the programs below: a server in the same process, warnings as lines, a thorough collection. `warned` waits for a
 * warning, and then for another one that must not come; in production, where none must, for a moment.
 */
const PRELUDE = `
  import { createServer } from "node:http";
  import { ClientSession, get } from "./dist/index.js";
  let warnings = 0;
  process.on("warning", (warning) => {
    warnings += 1;
    console.log(warning.code + " | " + warning.message);
  });
  const server = createServer((request, reply) => reply.end(request.url === "/large" ? "x".repeat(500_000) : "ok"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const url = "http://127.0.0.1:" + server.address().port;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  async function collect() {
    for (let round = 0; round < 10; round += 1) {
      gc();
      await pause(20);
    }
  }
  async function warned() {
    const until = performance.now() + (process.env.NODE_ENV === "production" ? 300 : 30_000);
    while (warnings === 0 && performance.now() < until) await collect();
    await collect();
  }
`;

const WARNINGS: [name: string, code: string, program: string][] = [
  [
    "a session that was not closed",
    "SLUICE_SESSION_NOT_CLOSED",
    `
      function forgetful() { new ClientSession(); }
      for (let count = 0; count < 3; count += 1) forgetful();
      await warned();
    `,
  ],
  [
    "a request that failed and nobody awaited",
    "SLUICE_REQUEST_NOT_AWAITED",
    `
      process.on("unhandledRejection", () => undefined);
      const session = new ClientSession();
      function forgetful() { session.get("http://127.0.0.1:1/?token=s3cret"); }
      for (let count = 0; count < 3; count += 1) forgetful();
      await warned();
      await session.close();
    `,
  ],
  [
    "a request that went well and nobody awaited",
    "SLUICE_REQUEST_NOT_AWAITED",
    `
      const session = new ClientSession();
      function forgetful() { session.get(url); }
      for (let count = 0; count < 3; count += 1) forgetful();
      await warned();
      await session.close();
    `,
  ],
  [
    "a body that nobody read",
    "SLUICE_BODY_UNREAD",
    `
      const session = new ClientSession({ unreadTimeout: 50 });
      async function forgetful() { await session.get(url + "/large"); }
      for (let count = 0; count < 3; count += 1) await forgetful();
      await warned();
      await session.close();
    `,
  ],
  [
    "a session for every request",
    "SLUICE_SESSION_PER_REQUEST",
    `
      async function wasteful() {
        const session = new ClientSession();
        await session.get(url).text();
        await session.close();
      }
      for (let count = 0; count < 25; count += 1) await wasteful();
    `,
  ],
];

function lines({ output }: ChildOutcome): string[] {
  return output.split("\n").filter((line) => line !== "");
}

describe.each(WARNINGS)("%s", (_name, code, program) => {
  test("is warned about once for its place, by call site", async () => {
    const outcome = await runChild(PRELUDE + program, { flags: ["--expose-gc"] });
    expect(outcome.errors.replace(/.*(Warning|--trace-warnings).*\n?/g, "")).toBe("");
    const [line, ...more] = lines(outcome);
    expect(more).toEqual([]);
    expect(line).toContain(code);
    expect(line).toMatch(/\(at .*(forgetful|wasteful|\[eval)/);
    expect(line).not.toContain("s3cret");
  });

  test("is not in production", async () => {
    const production = { flags: ["--expose-gc"], env: { NODE_ENV: "production" } };
    expect(lines(await runChild(PRELUDE + program, production))).toEqual([]);
  });
});

test("what is used as it should be is warned about in no way", async () => {
  const outcome = await runChild(
    `${PRELUDE}
      async function proper() {
        const session = new ClientSession({ baseUrl: url });
        await session.get("/").text();
        await (await session.get("/")).text();
        (await session.get("/large")).discard();
        await session.get("nonsense:/").catch(() => undefined);
        await Promise.allSettled([session.get("/"), session.get("http://127.0.0.1:1/"), session.get("bad:/")]);
        const derived = session.extend({ headers: { x: "1" } }).with({ signal: new AbortController().signal });
        await derived.get("/");
        try { await session.get("", { timeout: -1 }); } catch {}
        const later = session.get("/");
        await null;
        await later;
        await session.close();
      }
      await proper();
      await get(url).text();
      await collect();
    `,
    { flags: ["--expose-gc"] },
  );
  expect([outcome.code, outcome.output, outcome.errors]).toEqual([0, "", ""]);
});
