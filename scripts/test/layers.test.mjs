import { describe, expect, test } from "vitest";
import { read } from "../lib/project.mjs";
import { checkLayers, checkOuterPackages, tableAsMarkdown } from "../ok/layers.mjs";

const TABLE = JSON.parse(read("scripts/ok/layers.json"));

/** A small tree in which every rule is kept. */
const SOUND = {
  "errors.ts": "export class PeerError extends Error {}",
  "bytes/byte-queue.ts":
    'import { PeerError } from "../errors.js"; export const q = Buffer.alloc(0); throw new PeerError();',
  "http/headers.ts": 'import { q } from "../bytes/byte-queue.js"; export const h = q;',
  "http1/reader.ts": 'import { h } from "../http/headers.js"; export const r = h;',
  "concurrency/clock.ts": "export const now = () => performance.now(); setTimeout(now, 1); Date.now();",
  "concurrency/run-in-worker.ts": 'export const load = () => import("piscina");',
  "body/content-coding.ts": 'import { gunzipSync } from "node:zlib"; export const g = gunzipSync;',
  "net/tcp.ts": 'import { connect } from "node:net"; export const c = connect;',
  "wire/link.ts": 'import { r } from "../http1/reader.js"; import { c } from "../net/tcp.js"; export const l = [r, c];',
  "client/session.ts": 'import { l } from "../wire/link.js"; export const s = l;',
  "client/cookie-jar.ts": 'export const jar = () => import("tough-cookie");',
  "server/application.ts": 'import { l } from "../wire/link.js"; export const a = l;',
  "testing/test-server.ts":
    'import { s } from "../client/session.js"; import { a } from "../server/application.js"; export const t = [s, a];',
  "index.ts": 'export { s } from "./client/session.js";',
};

/** What is found when `changes` are laid over the sound tree. */
function problemsOf(changes = {}) {
  return checkLayers(new Map(Object.entries({ ...SOUND, ...changes })), TABLE).problems;
}

describe("the layer check", () => {
  test("finds nothing in a tree that keeps the rules", () => {
    expect(problemsOf()).toEqual([]);
  });

  test("lets what browsers load alone have timers and types", () => {
    const client = 'import type { T } from "./client-types.js"; export const c = (t: T) => setTimeout(t, 1);';
    expect(problemsOf({ "push/client.ts": client, "push/client-types.ts": "export type T = () => void;" })).toEqual([]);
  });

  test.each([
    [
      "an import upward",
      "net/tcp.ts",
      'import { l } from "../wire/link.js"; export const c = l;',
      /net .* imports upward/,
    ],
    [
      "an import of types upward",
      "http1/reader.ts",
      'import type { c } from "../net/tcp.js"; export type R = typeof c;',
      /upward/,
    ],
    ["a type named by import()", "http1/reader.ts", 'export type R = import("../net/tcp.js").C;', /upward/],
    [
      "an import into what browsers load alone",
      "push/client.ts",
      'import { h } from "../http/headers.js"; export const c = h;',
      /runs alone/,
    ],
    ["a re-export upward", "net/tcp.ts", 'export * from "../client/session.js";', /upward/],
    ["a dynamic import upward", "net/tcp.ts", 'export const c = () => import("../client/session.js");', /upward/],
    [
      "the client importing the server",
      "client/session.ts",
      'import { a } from "../server/application.js"; export const s = a;',
      /sideways/,
    ],
    [
      "the server importing the client",
      "server/application.ts",
      'import { s } from "../client/session.js"; export const a = s;',
      /sideways/,
    ],
    [
      "bytes importing http",
      "bytes/byte-queue.ts",
      'import { h } from "../http/headers.js"; export const q = h;',
      /sideways/,
    ],
    [
      "net importing a codec below it",
      "net/tcp.ts",
      'import { r } from "../http1/reader.js"; export const c = r;',
      /past its row/,
    ],
    ["a room without a row", "helpers/all.ts", "export const x = 1;", /no room of this name/],
    ["a file that is not there", "net/tcp.ts", 'import { x } from "./gone.js"; export const c = x;', /no source file/],
    [
      "a specifier without .js",
      "wire/link.ts",
      'import { r } from "../http1/reader"; export const l = r;',
      /no source file/,
    ],
    [
      "a way out of the package",
      "wire/link.ts",
      'import x from "../../other/x.js"; export const l = x;',
      /leaves the package/,
    ],
    [
      "a room importing an entry file",
      "client/session.ts",
      'import { s as t } from "../index.js"; export const s = t;',
      /entry file/,
    ],
    [
      "sockets in a codec",
      "http1/reader.ts",
      'import { connect } from "node:net"; export const r = connect;',
      /may not load node:net/,
    ],
    [
      "a module of Node that nobody has",
      "client/session.ts",
      'import { request } from "node:http"; export const s = request;',
      /may not load/,
    ],
    [
      "types of Node in layer 1",
      "http1/reader.ts",
      'import type { Socket } from "node:net"; export type R = Socket;',
      /may not load/,
    ],
    [
      "getBuiltinModule",
      "http1/reader.ts",
      'export const r = process.getBuiltinModule("node:net");',
      /may not load node:net/,
    ],
    [
      "an unknown dependency",
      "client/session.ts",
      'import left from "left-pad"; export const s = left;',
      /not a dependency/,
    ],
    [
      "a dependency loaded at once",
      "client/cookie-jar.ts",
      'import { CookieJar } from "tough-cookie"; export const j = CookieJar;',
      /on first use/,
    ],
    [
      "a dependency in another room",
      "server/application.ts",
      'export const a = () => import("piscina");',
      /belongs in concurrency/,
    ],
    [
      "a dependency in a second file",
      "client/session.ts",
      'export const s = () => import("tough-cookie");',
      /one file/,
    ],
    [
      "zlib in a second file",
      "body/body.ts",
      'import { inflateSync } from "node:zlib"; export const i = inflateSync;',
      /one file/,
    ],
    ["a timer outside the clock", "client/session.ts", "export const s = setTimeout(() => {}, 1);", /timers are for/],
    [
      "a timer by globalThis",
      "client/session.ts",
      "export const s = globalThis.setTimeout(() => {}, 1);",
      /timers are for/,
    ],
    ["the date in a codec", "http1/reader.ts", "export const r = Date.now();", /handed such things/],
    ["a new date in a codec", "http1/reader.ts", "export const r = new Date();", /handed such things/],
    ["randomness in concurrency", "concurrency/back-off.ts", "export const b = Math.random();", /handed such things/],
    ["the process in a codec", "http1/reader.ts", "export const r = process.env;", /handed such things/],
    ["an entry file that does something", "index.ts", "export const x = 1;", /named re-exports only/],
    ["an entry file that exports all", "index.ts", 'export * from "./client/session.js";', /named re-exports only/],
  ])("finds %s", (_, path, text, expected) => {
    expect(problemsOf({ [path]: text }).join("\n")).toMatch(expected);
  });

  test("finds a circle of imports within a room, and names its files once", () => {
    const problems = problemsOf({
      "client/a.ts": 'import { b } from "./b.js"; export const a = () => b;',
      "client/b.ts": 'import { c } from "./c.js"; export const b = () => c;',
      "client/c.ts": 'import { a } from "./a.js"; export const c = () => a;',
    });

    expect(problems).toEqual(["imports in a circle: client/a.ts -> client/b.ts -> client/c.ts -> client/a.ts"]);
  });

  test("lets files of a room know each other's types both ways", () => {
    const problems = problemsOf({
      "concurrency/deadline.ts": 'import type { now } from "./clock.js"; export type D = typeof now;',
      "concurrency/clock.ts": 'import type { D } from "./deadline.js"; export const now = (d: D) => d;',
    });

    expect(problems).toEqual([]);
  });

  test("takes a property, a parameter or a type of a global's name for what it is", () => {
    const text =
      "export function f(process: { crypto: number }, o: { Date: 1 }): Buffer { return process.crypto + o.Date; }";

    expect(problemsOf({ "http1/reader.ts": text })).toEqual([]);
  });

  test("lets a date be made of a number, and rooms above the pure ones use dates", () => {
    expect(problemsOf({ "http/dates.ts": "export const d = (ms: number) => new Date(ms);" })).toEqual([]);
    expect(problemsOf({ "client/session.ts": "export const s = new Date();" })).toEqual([]);
  });
});

describe("the check of the packages around the library", () => {
  const manifest = { dependencies: { sluice: "0.1.0", commander: "^14.0.0" } };
  const file = (text) => [{ folder: "packages/cli", manifest, path: "packages/cli/src/main.ts", text }];

  test("lets them import what their package.json names, by sub-path too", () => {
    expect(checkOuterPackages(file('import { serve } from "sluice/server"; import c from "commander";'))).toEqual([]);
  });

  test("finds a way past the exports and a dependency that nobody named", () => {
    expect(checkOuterPackages(file('import { x } from "../../sluice/src/net/tcp.js";'))[0]).toMatch(
      /leaves the package/,
    );
    expect(checkOuterPackages(file('import x from "@scope/name/deep";'))[0]).toMatch(/@scope\/name is not in/);
  });
});

test("the table for readers has a row for each room", () => {
  const rows = tableAsMarkdown(TABLE).trim().split("\n");

  expect(rows).toHaveLength(TABLE.rooms.length + 2);
  expect(rows.join("\n")).toContain("| 1 | `concurrency/` |");
});
