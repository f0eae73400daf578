/**
 * The soak: many requests through our client and our server in one process, with aborts, resets and time-outs strewn in, and
 * then a look at what is left. Runs on `dist`, with `--expose-gc`. Prints figures as it goes, and a last line of JSON.
 *
 *   node --expose-gc soak-program.mjs --requests 200000 --seed 1 [--leak responses|listeners|deadlines|sockets]
 *
 * What request number i does follows from the seed and i alone. `--leak` plants a leak, to show that this would find one.
 */
import { getEventListeners } from "node:events";
import { connect, createServer } from "node:net";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { systemClock } from "../../dist/concurrency/clock.js";
import { CallbackDeadline } from "../../dist/concurrency/deadline.js";
import { ClientSession, isSluiceError } from "../../dist/index.js";
import { Application, reply } from "../../dist/server.js";
import {
  conclude,
  count,
  heapAtRest,
  inLanes,
  pickKind,
  problems,
  randomFor,
  report,
  resourcesAtFirst,
  resourcesLike,
  settle,
  within,
} from "./soak-run.mjs";

const { values: options } = parseArgs({
  options: {
    requests: { type: "string", default: "200000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    leak: { type: "string", default: "" },
  },
});
const REQUESTS = Number(options.requests);
const SEED = Number(options.seed);
const LEAK = options.leak;

/** So many requests are under way at a time, on so many connections: some always wait. */
const LANES = 64;
const CONNECTIONS = 48;
const UNREAD_MS = 200;
const STALL_MS = 500;
/** A request that ends neither well nor badly within this is a hang. */
const HANG_MS = 60_000;

const PLANNED = "the soak breaks this answer off";
const LARGE = Buffer.alloc(256 * 1024, "large ");
const TEXT = "small answer";
const CODED = gzipSync(Buffer.alloc(20_000, "coded "));

const leaked = [];

// The server of ours.

function soakApplication() {
  const app = new Application({
    lingerTimeout: 200,
    onError: (error) => {
      if (error?.message !== PLANNED) report("server", error);
    },
  });
  app.get("/small", () => TEXT);
  app.get("/bytes/:count", (request) => reply.bytes(LARGE.subarray(0, Number(request.params.count))));
  app.get("/stream/:count", (request) => reply.stream(pieces(Number(request.params.count), Number.POSITIVE_INFINITY)));
  app.get("/break/:after", (request) => reply.stream(pieces(100, Number(request.params.after))));
  app.get("/gzip", () => reply.bytes(CODED, { headers: { "Content-Encoding": "gzip" } }));
  app.get("/redirect", () => reply.redirect("/small"));
  app.get("/cookie", () => reply.text(TEXT, { headers: { "Set-Cookie": "a=b" } }));
  app.post("/echo", async (request) => reply.json({ length: (await request.bytes()).byteLength }));
  app.post("/ignore", () => reply.text("unread", { status: 413 }));
  // Later than anybody waits. A client that only says FIN may be waiting still: to the server it is not gone before it is written to.
  app.get("/stall", async (request) => {
    await new Promise((resolve) => {
      const late = setTimeout(resolve, STALL_MS);
      request.signal.addEventListener("abort", () => resolve(clearTimeout(late)), { once: true });
    });
    return null;
  });
  return app;
}

async function* pieces(count, failAfter) {
  for (let index = 0; index < count; index += 1) {
    if (index === failAfter) throw new Error(PLANNED);
    if (index % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
    yield LARGE.subarray(0, 1_000);
  }
}

// A server that breaks off: `/reset/<stage>`, by RST or by FIN.

const STAGES = ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"];

function startChaos(sockets) {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      const [, stage, how] = /GET \/reset\/(\d)\/(\w+)/.exec(bytes.toString("latin1")) ?? [];
      if (stage === undefined) return;
      const text = STAGES[Number(stage)] ?? "";
      const leave = () => (how === "rst" ? socket.resetAndDestroy() : socket.end());
      if (text === "") leave();
      else socket.write(text, leave);
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// What a request does.

/** [weight, name, what it does]; a number thrown away or an error is an outcome, and `plain` ones must go well. */
const KINDS = [
  [5_500, "small", (at) => expectText(at.session.get(`${at.url}/small`, at.shared))],
  [
    600,
    "bytes",
    async (at) =>
      expectLength((await at.session.get(`${at.url}/bytes/${at.size}`, at.shared).bytes()).byteLength, at.size),
  ],
  [
    500,
    "stream",
    async (at) => expectLength((await at.session.get(`${at.url}/stream/50`, at.shared).bytes()).byteLength, 50_000),
  ],
  [
    600,
    "post",
    async (at) =>
      expectLength(
        (await at.session.post(`${at.url}/echo`, { ...at.shared, body: LARGE.subarray(0, at.size) }).json()).length,
        at.size,
      ),
  ],
  [
    300,
    "upload",
    async (at) =>
      expectLength(
        (await at.session.post(`${at.url}/echo`, { ...at.shared, body: pieces(20, Number.POSITIVE_INFINITY) }).json())
          .length,
        20_000,
      ),
  ],
  [
    400,
    "gzip",
    async (at) => expectLength((await at.session.get(`${at.url}/gzip`, at.shared).bytes()).byteLength, 20_000),
  ],
  [300, "redirect", (at) => expectText(at.session.get(`${at.url}/redirect`, at.shared))],
  [300, "cookie", (at) => expectText(at.session.get(`${at.url}/cookie`, at.shared))],
  [200, "discard", async (at) => (await at.session.get(`${at.url}/bytes/30000`, at.shared)).discard()],
  [200, "unread-small", async (at) => void (await at.session.get(`${at.url}/small`, at.shared))],
  [60, "unread-large", async (at) => void (await at.session.get(`${at.url}/bytes/${LARGE.length}`, at.shared))],
  [
    100,
    "early-answer",
    async (at) => expectLength((await at.session.post(`${at.url}/ignore`, { ...at.shared, body: LARGE })).status, 413),
  ],
  [250, "abort", abortSometime],
  [150, "abort-in-body", abortInBody],
  [
    150,
    "break-in-body",
    async (at) => expectFailure(at.session.get(`${at.url}/break/${Math.floor(at.random() * 90)}`, at.shared).bytes()),
  ],
  [
    60,
    "time-out",
    async (at) =>
      expectFailure(at.session.get(`${at.url}/stall`, { ...at.shared, timeout: { headers: 10 } }), "timeout.headers"),
  ],
  [
    60,
    "total-time-out",
    async (at) =>
      expectFailure(at.session.get(`${at.url}/stall`, { ...at.shared, timeout: 10 }).text(), "timeout.total"),
  ],
  [
    200,
    "reset",
    async (at) =>
      expectFailure(
        at.session
          .get(`${at.chaos}/reset/${Math.floor(at.random() * 4)}/${at.random() < 0.5 ? "rst" : "fin"}`, at.shared)
          .text(),
      ),
  ],
  [70, "raw-reset", rawReset],
];

async function expectText(request) {
  const text = await request.text();
  if (text !== TEXT) throw new Error(`Got ${text.slice(0, 40)}`);
}

function expectLength(got, wanted) {
  if (got !== wanted) throw new Error(`Got ${got}, expected ${wanted}`);
}

async function expectFailure(request, code) {
  let failure;
  try {
    await request;
  } catch (error) {
    failure = error;
  }
  if (failure === undefined) throw new Error("It should have failed");
  if (!isSluiceError(failure) || (code !== undefined && failure.code !== code)) throw failure;
  count(`  ${failure.code}`);
}

async function abortSometime(at) {
  const controller = new AbortController();
  const reason = new Error("aborted by the soak");
  const request = at.session.post(`${at.url}/echo`, {
    body: pieces(60, Number.POSITIVE_INFINITY),
    signal: controller.signal,
  });
  const work = request.text();
  const delay = at.random();
  if (delay < 0.2) controller.abort(reason);
  else if (delay < 0.5) setImmediate(() => controller.abort(reason));
  else setTimeout(() => controller.abort(reason), delay * 8);
  try {
    await work;
  } catch (error) {
    if (error !== reason) throw error;
    count("  aborted");
  }
}

async function abortInBody(at) {
  const controller = new AbortController();
  const response = await at.session.get(`${at.url}/bytes/${LARGE.length}`, { signal: controller.signal });
  const reason = new Error("aborted by the soak");
  try {
    for await (const _piece of response.body) {
      if (at.random() < 0.3) break;
      if (at.random() < 0.5) controller.abort(reason);
    }
  } catch (error) {
    if (error !== reason) throw error;
  }
}

/** A client that leaves our server in the middle of a head, of a body, or with several requests unanswered. */
function rawReset(at) {
  const wires = [
    "GET /small HTT",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart of it",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
    "GET /stream/90 HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes/200000 HTTP/1.1\r\nHost: a\r\n\r\nGET /stall HTTP/1.1\r\nHost: a\r\n\r\n",
  ];
  return new Promise((resolve) => {
    const socket = connect(at.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.on("close", resolve);
    socket.on("connect", () => {
      const leave = () => (at.random() < 0.5 ? socket.resetAndDestroy() : socket.destroy());
      socket.write(wires[Math.floor(at.random() * wires.length)], () => setTimeout(leave, at.random() * 4));
    });
  });
}

async function perform(index, surroundings) {
  const random = randomFor(SEED, index);
  const [, name, act] = pickKind(KINDS, random);
  const size = Math.floor(random() ** 4 * 200_000);
  count(name);
  if (LEAK === "responses") leaked.push(await surroundings.session.get(`${surroundings.url}/small`));
  if (LEAK === "listeners") surroundings.shared.signal.addEventListener("abort", () => leaked.push(index));
  try {
    await within(HANG_MS, `Request ${index}`, act({ ...surroundings, random, size }));
  } catch (error) {
    report(`request ${index} (${name})`, error);
  }
}

const runRequests = (from, to, surroundings) => inLanes(LANES, from, to, (index) => perform(index, surroundings));

/** The heap when nothing is under way. */
async function heapWhenIdle() {
  await new Promise((resolve) => setTimeout(resolve, UNREAD_MS * 3));
  return await heapAtRest();
}

console.log(
  `soak: ${REQUESTS} requests, seed ${SEED}, Node ${process.version}${LEAK === "" ? "" : `, planted leak: ${LEAK}`}`,
);
const began = performance.now();
const before = await resourcesAtFirst();

const chaosSockets = new Set();
const chaos = await startChaos(chaosSockets);
const server = await soakApplication().listen({ port: 0, host: "127.0.0.1" });
const shared = new AbortController();
const session = new ClientSession({
  connector: { limit: CONNECTIONS },
  unreadTimeout: UNREAD_MS,
  signal: shared.signal,
});
const surroundings = {
  session,
  shared: { signal: shared.signal },
  url: server.url,
  port: server.address.port,
  chaos: `http://127.0.0.1:${chaos.address().port}`,
};

const tenth = Math.ceil(REQUESTS / 10);
await runRequests(0, tenth, surroundings);
const heapBefore = await heapWhenIdle();
for (let part = 1; part < 10; part += 1) {
  await runRequests(part * tenth, Math.min(REQUESTS, (part + 1) * tenth), surroundings);
  console.log(`  ${(part + 1) * 10} % after ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
const heapAfter = await heapWhenIdle();
const running = session.toJSON().running;
if (running !== 0) problems.push(`${running} requests still count as running`);

if (LEAK === "deadlines") systemClock.arm(new CallbackDeadline(() => undefined), 3_600_000);
if (LEAK === "sockets") leaked.push(connect(surroundings.port, "127.0.0.1").on("error", () => undefined));
if (LEAK === "sockets") await settle();
await session.close();
if (LEAK !== "sockets") await server.close({ grace: 5_000 });
for (const socket of chaosSockets) socket.destroy();
await new Promise((resolve) => chaos.close(resolve));
const listeners = getEventListeners(shared.signal, "abort").length;
const deadlines = systemClock.armedCount;
const after = await resourcesLike(before);

if (listeners > 0) problems.push(`listeners: ${listeners} on the shared signal`);
const more = `listeners on the shared signal ${listeners}`;
conclude({ seed: SEED, began, heapBefore, heapAfter, before, after, deadlines, more });
process.exit(problems.length === 0 ? 0 : 1);
