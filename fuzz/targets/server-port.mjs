/** A real server's port under mutated requests; every now and then, and at the end, it must serve. */
import { connect } from "node:net";
import { ClientSession } from "../../packages/sluice/dist/index.js";
import { Application, reply } from "../../packages/sluice/dist/server.js";
import { requestCorpus, wireDictionary } from "../lib/wire-corpus.mjs";

export const corpus = requestCorpus;
export const dictionary = wireDictionary;

const LANES = 12;
const MOST_MS = 400;
const STATUS_LINE = /^HTTP\/1\.1 [1-5]\d\d /;

const failures = [];
const lanes = new Set();
let server;
let session;
let count = 0;

export async function start() {
  const app = new Application({
    headersTimeout: 200,
    receiveTimeout: 200,
    keepAliveTimeout: 200,
    lingerTimeout: 50,
    onError: (error) => failures.push(error),
  });
  app.get("/fine", () => "fine");
  app.route(["GET", "POST", "PUT", "DELETE", "PATCH", "QUERY"], "/*rest", async (request) =>
    reply.json({ length: (await request.bytes()).length }),
  );
  server = await app.listen({ port: 0, host: "127.0.0.1" });
  session = new ClientSession({ timeout: 20_000 });
}

export async function run(input, random) {
  count += 1;
  if (count % 200 === 0) await checkServes();
  while (lanes.size >= LANES) await Promise.race(lanes);
  const lane = exchanged(input, random.below(input.length + 1), random.below(3)).then(() => lanes.delete(lane));
  lanes.add(lane);
  if (failures.length > 0) throw failures[0];
}

export async function finish() {
  await Promise.all(lanes);
  await checkServes();
  if (failures.length > 0) throw failures[0];
  await session.close();
  await server.close({ grace: 0 });
}

async function checkServes() {
  const text = await session.get(`${server.url}/fine`).text();
  if (text !== "fine") throw new Error(`The server says ${text}`);
}

/** Sends `input` in two pieces, leaves in one of three ways. */
function exchanged(input, cut, leave) {
  return new Promise((resolve) => {
    const socket = connect(server.address.port, "127.0.0.1");
    const limit = setTimeout(() => socket.destroy(), MOST_MS);
    let received = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
    });
    socket.on("close", () => {
      clearTimeout(limit);
      if (received !== "" && !STATUS_LINE.test(received))
        failures.push(new Error(`The server answered ${received.slice(0, 80)}`));
      resolve();
    });
    socket.write(input.subarray(0, cut));
    socket.write(input.subarray(cut), () => {
      if (leave === 0) socket.end();
      else if (leave === 1) setTimeout(() => socket.resetAndDestroy(), 5);
      else socket.end();
    });
  });
}
