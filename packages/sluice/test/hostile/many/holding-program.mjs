/**
 * The other side of `many-connections.long.test.ts`: plain sockets. `hold N` opens N connections, has one request answered on each and
 * keeps them; `ask N SECONDS` has N more ask one request after the other for so long, and prints how long answers took, in ms.
 */
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";

const port = Number(process.argv[2]);
const REQUEST = "GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const AT_ONCE = 200;
const held = [];

/** A connection on which one answer after the other can be awaited. */
function open() {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  let waiting;
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (piece) => {
    text += piece;
    if (!text.endsWith("hello")) return;
    text = "";
    waiting?.resolve();
  });
  const lost = (error) => waiting?.reject(error ?? new Error("The server closed a connection"));
  socket.on("error", lost);
  socket.on("close", () => lost());
  return {
    socket,
    ask: () =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(REQUEST);
      }),
  };
}

async function hold(count) {
  const lane = async () => {
    while (held.length < count) {
      const one = open();
      held.push(one);
      await one.ask();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return { held: held.length };
}

async function ask(count, seconds) {
  const latencies = [];
  const active = Array.from({ length: count }, open);
  const until = performance.now() + seconds * 1_000;
  await Promise.all(
    active.map(async (one) => {
      await one.ask();
      while (performance.now() < until) {
        const from = performance.now();
        await one.ask();
        latencies.push(performance.now() - from);
      }
      one.socket.removeAllListeners("close").destroy();
    }),
  );
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(latencies.length * share)];
  return { count: latencies.length, p50: at(0.5), p99: at(0.99) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...numbers] = line.split(" ");
  const done = word === "hold" ? await hold(...numbers.map(Number)) : await ask(...numbers.map(Number));
  console.log(JSON.stringify(done));
}
for (const { socket } of held) socket.removeAllListeners("close").destroy();
