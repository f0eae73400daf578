/** Files from a folder, with compression and tags in front of them, in either order: what browsers and download tools rely on. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { compression } from "../../../src/server/middleware/compression.js";
import { cors } from "../../../src/server/middleware/cors.js";
import { etag } from "../../../src/server/middleware/etag.js";
import type { Middleware } from "../../../src/server/middleware-chain.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { ask } from "../fake-exchange.js";

const TEXT = "All work and no play makes Jack a dull boy. ".repeat(100);
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-interplay-"));
  writeFileSync(join(folder, "page.css"), TEXT);
  writeFileSync(join(folder, "short.css"), "a{}");
  writeFileSync(join(folder, "large.css"), TEXT.repeat(100));
  writeFileSync(join(folder, "ready.css"), TEXT);
  writeFileSync(join(folder, "ready.css.gz"), "as if it were coded");
  writeFileSync(join(folder, "picture.png"), TEXT);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.each<[string, () => Middleware[]]>([
  ["compression outside", () => [cors({ origin: ["https://a.test"] }), compression(), etag()]],
  ["etag outside", () => [etag(), compression(), cors({ origin: ["https://a.test"] })]],
])("%s", (_name, uses) => {
  const get = (more: readonly string[] = [], method = "GET", name = "page.css") => {
    const app = new Application();
    app.use(...uses());
    app.static("/files", folder, { precompressed: true });
    app.get("/own", () => reply.text(TEXT, { headers: { "Cache-Control": "no-transform", ETag: '"own"' } }));
    const fields = ["Host", "x", "Accept-Encoding", "gzip", ...more];
    return ask(app.dispatch, method, name === "own" ? "/own" : `/files/${name}`, { fields });
  };

  test("a whole file is compressed: a weak tag, no ranges, no length of the plain bytes", async () => {
    const { status, headers, reply } = await get();
    expect([status, headers["content-encoding"]]).toEqual([200, "gzip"]);
    expect(headers["etag"]).toMatch(/^W\/"/);
    expect(headers["accept-ranges"]).toBeUndefined();
    expect(headers["content-length"]).toBeUndefined();
    expect(reply.payload?.length).not.toBe(TEXT.length);
    expect(headers["vary"]?.split(", ").sort()).toEqual(["Accept-Encoding", "Origin"]);
    expect((await get([], "HEAD")).headers).toEqual(headers);
  });

  test("a part is of the plain bytes, and has their strong tag", async () => {
    const { status, headers, text } = await get(["Range", "bytes=3-6"]);
    expect([status, text, headers["content-range"]]).toEqual([206, TEXT.slice(3, 7), `bytes 3-6/${TEXT.length}`]);
    expect(headers["content-encoding"]).toBeUndefined();
    expect(headers["etag"]).toMatch(/^"/);
  });

  test("a part is not put to what was compressed: If-Range with the weak tag gives the whole", async () => {
    const tag = (await get()).headers["etag"] ?? "";
    const whole = await get(["Range", "bytes=3-6", "If-Range", tag]);
    expect([whole.status, whole.headers["content-encoding"]]).toEqual([200, "gzip"]);
    const strong = tag.slice(2);
    expect((await get(["Range", "bytes=3-6", "If-Range", strong])).status).toBe(206);
  });

  test("a compressed copy is revalidated by its weak tag", async () => {
    const first = await get();
    const { status, headers, text } = await get(["If-None-Match", first.headers["etag"] ?? ""]);
    expect([status, text]).toEqual([304, ""]);
    expect(headers["etag"]).toBe(first.headers["etag"]);
    expect(headers["vary"]?.split(", ").sort()).toEqual(["Accept-Encoding", "Origin"]);
    expect(headers["content-encoding"]).toBeUndefined();
  });

  test.each([
    ["what was compressed", "page.css", "gzip"],
    ["what was compressed as it was sent", "large.css", "gzip"],
    ["what lay there compressed", "ready.css", "gzip"],
    ["what is too short", "short.css", undefined],
    ["what does not become smaller", "picture.png", undefined],
    ["what may not be changed", "own", undefined],
  ])("a 304 says of %s what the 200 has said", async (_what, name, coding) => {
    const first = await get([], "GET", name);
    expect([first.status, first.headers["content-encoding"]]).toEqual([200, coding]);
    const { status, headers } = await get(["If-None-Match", first.headers["etag"] ?? ""], "GET", name);
    expect(status).toBe(304);
    expect([headers["etag"], headers["vary"]]).toEqual([first.headers["etag"], first.headers["vary"]]);
  });
});

test("what skip names keeps its tag in a 304, too, and is asked for by the fields of the 200", async () => {
  const app = new Application();
  app.use(
    compression({ skip: (_request, answer) => answer.headers.get("content-type") === "text/css; charset=utf-8" }),
  );
  app.static("/files", folder);
  const get = (...more: string[]) =>
    ask(app.dispatch, "GET", "/files/page.css", { fields: ["Accept-Encoding", "gzip", ...more] });
  const first = await get();
  const again = await get("If-None-Match", first.headers["etag"] ?? "");
  expect([again.status, again.headers["etag"], again.headers["vary"]]).toEqual([304, first.headers["etag"], undefined]);
  expect(again.headers["etag"]).toMatch(/^"/);
});

test("who waits for an answer's end is told of the 304 in its place", async () => {
  const ends: number[] = [];
  const app = new Application();
  app.use(etag());
  app.get("/", () => {
    return reply.text("x", { headers: { ETag: '"1"' } }).whenSent((bytes) => ends.push(bytes));
  });
  await ask(app.dispatch, "GET", "/", { fields: ["If-None-Match", '"1"'] });
  expect(ends).toEqual([0]);
});
