/**
 * The soak of WebSockets: many of them, opened on our server in the same process by clients that are nothing but TCP sockets, talked
 * through and ended in every way there is, and then a look at what is left. Runs on `dist`, with `--expose-gc`. Prints figures as it
 * goes, and a last line of JSON.
 *
 *   node --expose-gc websocket-soak-program.mjs --sockets 50000 --seed 1 [--leak connections|deadlines|handlers|sockets]
 *
 * What socket number i does follows from the seed and i alone. `--leak` plants a leak, to show that this would find one.
 */
import { connect } from "node:net";
import { parseArgs } from "node:util";
import { deflateRawSync } from "node:zlib";
import { systemClock } from "../../dist/concurrency/clock.js";
import { CallbackDeadline } from "../../dist/concurrency/deadline.js";
import { Application, HttpError } from "../../dist/server.js";
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
    sockets: { type: "string", default: "50000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    leak: { type: "string", default: "" },
  },
});
const SOCKETS = Number(options.sockets);
const SEED = Number(options.seed);
const LEAK = options.leak;

/** So many sockets are open at a time. */
const LANES = 48;
/** A socket that does not end within this hangs. */
const HANG_MS = 30_000;
const PLANNED = "the soak breaks this handler off";
const LARGE = Buffer.alloc(100_000, "large ");

const leaked = [];

// The server.

function soakApplication() {
  const app = new Application({
    lingerTimeout: 200,
    onError: (error) => {
      if (error?.message !== PLANNED) report("server", error);
    },
  });
  const terms = { closeTimeout: 1_000, maxMessageSize: 200_000, heartbeat: 60_000 };
  const echo = async (socket) => {
    if (LEAK === "connections") leaked.push(socket);
    for await (const message of socket) await socket.send(message);
  };
  app.websocket("/echo", terms, echo);
  app.websocket("/deflated", { ...terms, compress: { threshold: 0 } }, echo);
  app.websocket("/flood", terms, async (socket) => {
    for (let count = 0; count < 200; count += 1) await socket.send(LARGE);
  });
  app.websocket("/throws", terms, async (socket) => {
    await socket.receive();
    throw new Error(PLANNED);
  });
  app.websocket("/waits", terms, async (socket, { signal }) => {
    void socket.send("now");
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  });
  app.websocket(
    "/refused",
    {
      upgrade: () => {
        throw new HttpError(401);
      },
    },
    echo,
  );
  app.websocket("/stuck", terms, () => new Promise(() => undefined));
  return app;
}

// Clients.

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

function frame(opcode, payload, { rsv1 = false, fin = true } = {}) {
  const bytes = Buffer.from(payload);
  const extended = bytes.length < 126 ? 0 : bytes.length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended + 4);
  head[0] = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  head[1] = 0x80 | (extended === 0 ? bytes.length : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(bytes.length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(bytes.length), 2);
  // A mask of zeros is one, too.
  return Buffer.concat([head, bytes]);
}

const closeFrame = (code) => frame(8, Buffer.from([code >> 8, code & 0xff]));

/** A socket whose handshake is done, or refused: it counts what comes, and sees the server's Close. */
class Client {
  constructor(port, path, extra = "") {
    this.socket = connect(port, "127.0.0.1");
    this.bytes = 0;
    this.head = "";
    this.closeCode = undefined;
    this.ended = new Promise((resolve) => this.socket.on("close", resolve));
    this.socket.on("error", () => undefined);
    this.opened = new Promise((resolve) => {
      this.socket.on("close", () => resolve(false));
      this.socket.on("data", (bytes) => {
        this.bytes += bytes.length;
        if (!this.head.includes("\r\n\r\n")) this.head += bytes.toString("latin1");
        if (this.head.includes("\r\n\r\n")) resolve(this.head.startsWith("HTTP/1.1 101"));
        const tail = bytes.subarray(-4);
        if (tail.length === 4 && tail[0] === 0x88 && tail[1] === 2) this.closeCode = tail.readUInt16BE(2);
        this.#wake?.();
      });
    });
    const line = `GET ${path} HTTP/1.1\r\nHost: soak\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    this.socket.write(`${line}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${extra}\r\n`);
  }

  #wake;

  async received(bytes) {
    const all = this.head.length + bytes;
    while (this.bytes < all && !this.socket.destroyed) {
      await Promise.race([new Promise((resolve) => (this.#wake = resolve)), this.ended]);
    }
  }
}

async function opened(at, path, extra) {
  const client = new Client(at.port, path, extra);
  if (!(await client.opened)) throw new Error(`${path} was not opened: ${client.head.slice(0, 80)}`);
  client.head = client.head.slice(0, client.head.indexOf("\r\n\r\n") + 4);
  return client;
}

async function closedWith(client, code) {
  await client.ended;
  if (client.closeCode !== code) throw new Error(`Closed with ${client.closeCode}, expected ${code}`);
}

const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/** [weight, name, what it does]. */
const KINDS = [
  [
    4_000,
    "echo",
    async (at) => {
      const client = await opened(at, "/echo");
      for (let count = 0; count < 3; count += 1) client.socket.write(frame(1, "x".repeat(at.size)));
      await client.received(3 * at.size);
      client.socket.write(closeFrame(1000));
      await closedWith(client, 1000);
    },
  ],
  [
    1_500,
    "deflated",
    async (at) => {
      const client = await opened(at, "/deflated", DEFLATE);
      const coded = deflateRawSync(Buffer.alloc(at.size + 1, "soak "), { finishFlush: 2 }).subarray(0, -4);
      client.socket.write(frame(1, coded, { rsv1: true }));
      await client.received(4);
      client.socket.write(closeFrame(3_000));
      await closedWith(client, 3_000);
    },
  ],
  [
    1_500,
    "vanish",
    async (at) => {
      const client = await opened(at, at.random() < 0.5 ? "/echo" : "/deflated");
      client.socket.write(frame(2, LARGE).subarray(0, Math.floor(at.random() * 90_000)));
      setImmediate(() => (at.random() < 0.5 ? client.socket.resetAndDestroy() : client.socket.destroy()));
      await client.ended;
    },
  ],
  [
    500,
    "half-close",
    async (at) => {
      const client = await opened(at, "/echo");
      client.socket.end(frame(1, "last"));
      await client.ended;
    },
  ],
  [
    600,
    "unread-flood",
    async (at) => {
      const client = await opened(at, "/flood");
      client.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, at.random() * 20));
      client.socket.resetAndDestroy();
      await client.ended;
    },
  ],
  [
    600,
    "bad-frame",
    async (at) => {
      const client = await opened(at, "/echo");
      const [wire, code] = [
        [frame(3, "x"), 1002],
        [frame(1, Buffer.from([0xff])), 1007],
        [frame(0, "x"), 1002],
      ][Math.floor(at.random() * 3)];
      client.socket.write(wire);
      await client.received(4);
      client.socket.destroy();
      await client.ended;
      count(`  ${code}`);
    },
  ],
  [
    500,
    "throws",
    async (at) => {
      const client = await opened(at, "/throws");
      client.socket.write(frame(1, "go"));
      await client.received(4);
      client.socket.write(closeFrame(1011));
      await closedWith(client, 1011);
    },
  ],
  [
    500,
    "waits",
    async (at) => {
      const client = await opened(at, "/waits");
      await client.received(5);
      client.socket.destroy();
      await client.ended;
    },
  ],
  [
    300,
    "refused",
    async (at) => {
      const client = new Client(at.port, "/refused");
      if (await client.opened) throw new Error("It should have been refused");
      client.socket.destroy();
      await client.ended;
    },
  ],
  [
    300,
    "left-in-handshake",
    async (at) => {
      const client = new Client(at.port, "/echo");
      setImmediate(() => client.socket.resetAndDestroy());
      await client.ended;
    },
  ],
];

async function perform(index, surroundings) {
  const random = randomFor(SEED, index);
  const [, name, act] = pickKind(KINDS, random);
  count(name);
  const size = Math.floor(random() ** 4 * 100_000);
  try {
    await within(HANG_MS, `Socket ${index}`, act({ ...surroundings, random, size }));
  } catch (error) {
    report(`socket ${index} (${name})`, error);
  }
}

const runSockets = (from, to, surroundings) => inLanes(LANES, from, to, (index) => perform(index, surroundings));

/** The heap when nothing is under way. */
async function heapWhenIdle(server) {
  const giveUpAt = performance.now() + 5_000;
  while (server.connections.open > 0 && performance.now() < giveUpAt) await settle();
  return await heapAtRest();
}

console.log(
  `soak: ${SOCKETS} sockets, seed ${SEED}, Node ${process.version}${LEAK === "" ? "" : `, planted leak: ${LEAK}`}`,
);
const began = performance.now();
const before = await resourcesAtFirst();

const server = await soakApplication().listen({ port: 0, host: "127.0.0.1" });
const surroundings = { port: server.address.port };
const tenth = Math.ceil(SOCKETS / 10);
await runSockets(0, tenth, surroundings);
const heapBefore = await heapWhenIdle(server);
for (let part = 1; part < 10; part += 1) {
  await runSockets(part * tenth, Math.min(SOCKETS, (part + 1) * tenth), surroundings);
  console.log(`  ${(part + 1) * 10} % after ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
if (LEAK === "handlers") (await opened(surroundings, "/stuck")).socket.destroy();
const heapAfter = await heapWhenIdle(server);
const { open, accepted } = server.connections;
if (open !== 0) problems.push(`connections: ${open} open when all clients had gone`);

if (LEAK === "deadlines") systemClock.arm(new CallbackDeadline(() => undefined), 3_600_000);
if (LEAK === "sockets") leaked.push(connect(surroundings.port, "127.0.0.1").on("error", () => undefined));
if (LEAK === "sockets") await settle();
// A handler that waits for nothing at all holds no process.
const awake = setInterval(() => undefined, 1_000);
if (LEAK !== "sockets") await server.close({ grace: 2_000 });
clearInterval(awake);
const deadlines = systemClock.armedCount;
const after = await resourcesLike(before);

const more = `connections accepted ${accepted}`;
conclude({ seed: SEED, began, heapBefore, heapAfter, before, after, deadlines, more });
process.exit(problems.length === 0 ? 0 : 1);
