/** Following server-sent events over connections that break: nothing lost, nothing twice, and a clean end. */
import { ClientSession } from "sluice";
import { Application, reply } from "sluice/server";
import { runExample } from "./support/run-example.js";

const TOTAL = 20;
/** Events of one connection, after which it breaks off. */
const PER_CONNECTION = 6;

interface Tick {
  readonly tick: number;
}

await runExample("Following events", async ({ check }) => {
  const app = new Application();
  let connections = 0;
  app.get("/ticks", ({ headers }) => {
    const from = Number(headers.get("last-event-id") ?? 0);
    connections += 1;
    if (from >= TOTAL) return reply.empty();
    return reply.stream(ticks(from + 1), { headers: { "content-type": "text/event-stream" } });
  });
  await using server = await app.listen({ port: 0, host: "127.0.0.1" });
  await using session = new ClientSession({ baseUrl: `${server.url}/` });

  const seen: number[] = [];
  const waits: number[] = [];
  const stream = session.events("ticks", {
    reconnect: { maxDelay: 50 },
    onReconnect: ({ delay }) => waits.push(delay),
  });
  for await (const { data } of stream) seen.push((JSON.parse(data) as Tick).tick);

  const expected = Array.from({ length: TOTAL }, (_, index) => index + 1);
  check(seen.join() === expected.join(), `${seen.length} events in order, none lost and none twice`);
  check(connections === Math.ceil(TOTAL / PER_CONNECTION) + 1, `over ${connections} connections, the last one a 204`);
  check(
    waits.every((wait) => wait >= 20 && wait <= 50),
    `with a wait of 20 to 50 ms before each: the server asked for 20`,
  );
});

/** Events from `from` on, a few of them. */
async function* ticks(from: number): AsyncGenerator<string> {
  yield "retry: 20\n\n";
  for (let tick = from; tick < from + PER_CONNECTION && tick <= TOTAL; tick += 1) {
    yield `id: ${tick}\ndata: ${JSON.stringify({ tick })}\n\n`;
  }
}
