/**
 * Push: messages to thousands of subscribers, and what one of them that takes nothing does to the others.
 *
 * The messages are the same 128 bytes for all; what stands around them is each server's own: 162 bytes a frame with ws, 176 with socket.io, 252 with
 * ours, which says room, position and id. How they come matters more than anything else. One at a time, when everybody has the one before: then
 * each delivery is a call into the system, which is three quarters of the work whoever does it; bare sockets are there to show what is left to win. As a
 * stream, each as soon as the one before was taken: then a server can give a subscriber several in one call.
 */
import { Child } from "../harness/child.js";
import type { Contestant, Run } from "../harness/row.js";
import type { PushLoadOrders } from "../load/push-load-main.js";
import type { PushServerOrders } from "../servers/push-main.js";
import type { BenchRun } from "./bench-run.js";

/** 128 bytes, with the mark that the load generator counts by in front. */
const TEXT = `^${"what happens, in 127 bytes; ".repeat(5)}`.slice(0, 128);
const BURST = 10;
/** Messages of a piece of the stream. */
const STREAMED = 10;
/** What may wait for one subscriber of ours: its default. */
const MOST_QUEUED_BYTES = 1024 * 1024;
/** A message that fills, and what is sent before we say that it never ends: the system itself keeps some megabytes. */
const FILL_BYTES = 60_000;
const MOST_FILLED_BYTES = 64 * 1024 * 1024;
const FULL_SUBSCRIBERS = 5_000;
const BRIEF_SUBSCRIBERS = 200;
const MS_PER_SECOND = 1_000;
const UNITS = { unit: "deliveries/s", cpuUnit: "deliveries/CPU s" };

interface Peer {
  readonly name: string;
  /** In `servers/push`. */
  readonly file: string;
  readonly path: string;
  readonly hello: string;
  readonly ready: string;
}

const OURS: Peer = { name: "sluice", file: "sluice-hub", path: "/push", hello: "", ready: '"joined"' };
const PEERS: readonly Peer[] = [
  OURS,
  { name: "ws", file: "ws-loop", path: "/", hello: "", ready: "" },
  { name: "socket.io", file: "socket-io", path: "/socket.io/?EIO=4&transport=websocket", hello: "40", ready: "40{" },
];
const BARE: Peer = { name: "bare sockets", file: "bare-sockets", path: "/", hello: "", ready: "" };
const TARGETS = { ws: 1.5, "socket.io": 4 };

/** How messages are sent. */
interface Sending {
  /** `broadcast`: all at once; `stream`: each when the one before was taken. */
  readonly order: "broadcast" | "stream";
  readonly count: number;
}

type Generator = Child<PushLoadOrders>;
type Server = Child<PushServerOrders>;

/** Broadcasts, by the CPU time of the server; then the stuck subscriber. */
export async function pushRows(run: BenchRun): Promise<void> {
  const subscribers = run.effort.brief ? BRIEF_SUBSCRIBERS : FULL_SUBSCRIBERS;
  const title = `${TEXT.length} bytes of text to each of ${subscribers} subscribers`;
  const one = { title: `${title}, one message at a time`, peers: [...PEERS, BARE], targets: {} };
  await broadcastRow(run, subscribers, one, { order: "broadcast", count: 1 });
  const stream = { title: "the same, a stream of messages", peers: PEERS, targets: TARGETS };
  await broadcastRow(run, subscribers, stream, { order: "stream", count: STREAMED });
  const burst = { title: `the same, ${BURST} messages at once`, peers: PEERS, targets: TARGETS };
  await broadcastRow(run, subscribers, burst, { order: "broadcast", count: BURST });
  await run.attempt("push: one stuck subscriber", () => stuckRow(run, subscribers));
}

/** All subscribers of all contestants are there at the same time, each contestant's in a process of their own. */
async function broadcastRow(
  run: BenchRun,
  subscribers: number,
  row: { readonly title: string; readonly peers: readonly Peer[]; readonly targets: Readonly<Record<string, number>> },
  sending: Sending,
): Promise<void> {
  const { title, peers, targets } = row;
  const sides: (readonly [Peer, Server, Generator])[] = [];
  try {
    for (const peer of peers) sides.push([peer, ...(await subscribed(run, peer, subscribers))]);
    const contestants = sides.map(([{ name }, server, generator]): Contestant => {
      let warm = false;
      return {
        name,
        async run() {
          if (!warm) await broadcasts(server, generator, sending, run.effort.warmUp);
          warm = true;
          const before = await server.tell("cpu", null);
          const { rounds, milliseconds } = await broadcasts(server, generator, sending, run.effort.window);
          const cpu = (await server.tell("cpu", null)) - before;
          const deliveries = rounds * sending.count * subscribers;
          return { wall: (deliveries / milliseconds) * MS_PER_SECOND, cpu: (deliveries / cpu) * MS_PER_SECOND };
        },
      };
    });
    await run.row({ part: "push", title, ...UNITS, targets }, contestants);
  } finally {
    await Promise.all(sides.flatMap(([, server, generator]) => [server.end(), generator.end()]));
  }
}

/** The p99 of the others with and without one that takes nothing, long after what may wait for it does. */
async function stuckRow(run: BenchRun, subscribers: number): Promise<void> {
  const sides: (readonly [Server, Generator])[] = [];
  try {
    for (const path of [OURS.path, "/push?alone"]) sides.push(await subscribed(run, OURS, subscribers, path));
    const [, [server, generator] = []] = sides;
    if (server === undefined || generator === undefined) return;
    await fill(server, generator);
    const contestants = sides.map((side, index): Contestant => {
      return { name: index === 0 ? "all read" : "one takes nothing", run: () => tail(run, ...side) };
    });
    const style = { part: "push", unit: "ms", cpuUnit: undefined, lowerIsBetter: true, most: 1, medianOf: 2 };
    await run.row({ ...style, title: `p99 of one message to ${subscribers}, of those who read` }, contestants);
    await requireBounded(server);
  } finally {
    await Promise.all(sides.flatMap(([server, generator]) => [server.end(), generator.end()]));
  }
}

async function subscribed(
  run: BenchRun,
  peer: Peer,
  subscribers: number,
  firstPath = peer.path,
): Promise<[Server, Generator]> {
  const server: Server = new Child({ module: "servers/push-main.js", args: [peer.file], core: run.cores.server });
  const generator: Generator = new Child({ module: "load/push-load-main.js", core: run.cores.client });
  const { port } = await server.tell("start", null);
  const { path, hello, ready } = peer;
  await generator.tell("open", { port, path, firstPath, hello, ready, subscribers });
  return [server, generator];
}

async function broadcasts(
  server: Server,
  generator: Generator,
  sending: Sending,
  milliseconds: number,
): Promise<{ readonly rounds: number; readonly milliseconds: number }> {
  const from = performance.now();
  let rounds = 0;
  do {
    await once(server, generator, sending);
    rounds += 1;
  } while (performance.now() - from < milliseconds);
  return { rounds, milliseconds: performance.now() - from };
}

/** Sends, waits until all have it, and gives the p99. */
async function once(server: Server, generator: Generator, { order, count }: Sending): Promise<number> {
  await generator.tell("expect", { messages: count });
  const startedAt = await server.tell(order, { text: TEXT, count });
  return generator.tell("received", { startedAt });
}

/** The first one stops reading, and is sent more than the system and the hub keep for it. */
async function fill(server: Server, generator: Generator): Promise<void> {
  await generator.tell("stick", null);
  let queued = 0;
  for (let sent = 0; sent < MOST_FILLED_BYTES && queued < MOST_QUEUED_BYTES - FILL_BYTES; sent += FILL_BYTES) {
    await server.tell("fill", { bytes: FILL_BYTES });
    queued = await requireBounded(server);
  }
  if (queued < MOST_QUEUED_BYTES / 2) throw new Error("The stuck subscriber takes whatever is sent");
}

async function requireBounded(server: Server): Promise<number> {
  const queued = await server.tell("queuedBytes", null);
  if (queued > MOST_QUEUED_BYTES) throw new Error(`${queued} bytes wait for one subscriber`);
  return queued;
}

async function tail(run: BenchRun, server: Server, generator: Generator): Promise<Run> {
  const until = performance.now() + run.effort.window;
  const times: number[] = [];
  do times.push(await once(server, generator, { order: "broadcast", count: 1 }));
  while (performance.now() < until);
  times.sort((one, other) => one - other);
  return { wall: times[Math.floor(times.length / 2)] ?? 0, cpu: undefined };
}
