/** Servers against one another, all under the same load. */
import { Child } from "../harness/child.js";
import type { LoadOrders } from "../load/load-main.js";
import {
  AIOHTTP_SERVER,
  BUN_SERVER,
  findAiohttp,
  findBun,
  startForeignServer,
  startNodeServer,
} from "../servers/running-server.js";
import { HELLO, ORDER_TEXT, RECEIPT, userOf } from "../workloads.js";
import type { BenchRun } from "./bench-run.js";
import { type Load, requestText } from "./loaded-server.js";
import { contestant, type NamedServer } from "./server-contestant.js";
import { staticRows } from "./static-rows.js";

const CONNECTIONS = 64;
const PIPELINED = 16;
const UNITS = { unit: "requests/s", cpuUnit: "requests/CPU s" };
/** Names in the table, and files in `servers/`. */
const NODE_PEERS: readonly (readonly [name: string, file: string])[] = [
  ["sluice", "sluice"],
  ["fastify", "fastify"],
  ["hono", "hono"],
  ["express", "express"],
  ["node:http", "node-http"],
];

const ROUTE = { request: requestText("GET", "/users/42"), expectedBody: JSON.stringify(userOf("42")) };
const TEXT = { request: requestText("GET", "/text"), expectedBody: HELLO };
const ORDER = { request: requestText("POST", "/orders", "", ORDER_TEXT), expectedBody: JSON.stringify(RECEIPT) };
const CHECKED_ORDER = { ...ORDER, request: requestText("POST", "/checked-orders", "", ORDER_TEXT) };

/** A route with a parameter, static text, pipelining, a POST of JSON, and files. */
export async function serverRows(run: BenchRun): Promise<void> {
  const servers: NamedServer[] = [];
  const generator = new Child<LoadOrders>({ module: "load/load-main.js", core: run.cores.client });
  try {
    await startAll(run, servers);
    const row = (title: string, entrants: readonly NamedServer[], load: Load, targets: Record<string, number>) =>
      run.row(
        { part: "server", title, ...UNITS, targets },
        entrants.map((entrant) => contestant(run, entrant, load, generator)),
      );
    const usual = { connections: CONNECTIONS, depth: 1 };
    const param = { fastify: 1.4, bun: 0.6 };
    await row("GET of a route with one parameter, JSON answer", servers, { ...usual, ...ROUTE }, param);
    await row("GET of 13 bytes of text", servers, { ...usual, ...TEXT }, {});
    const pipelining = servers.filter(({ name }) => ["sluice", "fastify", "node:http"].includes(name));
    await row(`GET of text, ${PIPELINED} deep`, pipelining, { ...usual, depth: PIPELINED, ...TEXT }, { fastify: 3 });
    await row("POST of 1 KiB of JSON, parsed and answered", servers, { ...usual, ...ORDER }, {});
    const checking = servers.filter(({ name }) => ["sluice", "fastify"].includes(name));
    const checked = { ...usual, ...CHECKED_ORDER };
    await row("POST of 1 KiB of JSON, parsed, validated, answered", checking, checked, { fastify: 1.3 });
    await staticRows(run, generator);
  } finally {
    await Promise.all([generator.end(), ...servers.map(({ server }) => server.end())]);
  }
}

async function startAll(run: BenchRun, servers: NamedServer[]): Promise<void> {
  const core = run.cores.server;
  for (const [name, file] of NODE_PEERS) servers.push({ name, server: await startNodeServer(file, core) });
  const bun = findBun(run.bun);
  if (bun === undefined) run.absent.add("bun");
  else servers.push({ name: "bun", server: await startForeignServer(bun, [BUN_SERVER], core) });
  const python = findAiohttp();
  if (python === undefined) run.absent.add("aiohttp");
  else servers.push({ name: "aiohttp", server: await startForeignServer(python, [AIOHTTP_SERVER], core) });
}
