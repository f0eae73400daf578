/** CPU work beside requests: on the event loop it stops everything, in workers it stops nothing. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { ClientSession, gather, runInWorker, sleep } from "sluice";
import { slowHash } from "./hash-worker.js";
import { runExample, seconds } from "./support/run-example.js";

const WORKER = new URL("./hash-worker.js", import.meta.url);
const INPUTS = Array.from({ length: 12 }, (_, index) => Buffer.alloc(1_000, index));

await runExample("Hashing in workers while requests go on", async ({ server, say, check }) => {
  await using session = new ClientSession({ baseUrl: `${server}/` });
  await session.get("uuid").text();

  const blocking = await measured(session, async () => INPUTS.map((bytes) => slowHash(bytes)));
  say(`on the event loop: ${blocking.report}`);
  const inWorker = (bytes: Uint8Array) => runInWorker<string>(WORKER, bytes, { exportName: "slowHash" });
  const working = await measured(session, () => gather(INPUTS.map(inWorker)));
  say(`in workers:        ${working.report}`);

  check(working.hashes.join() === blocking.hashes.join(), `the same ${INPUTS.length} hashes`);
  check(
    working.answered > 10 && working.answered > blocking.answered,
    `${working.answered} requests were answered while the workers hashed, ${blocking.answered} otherwise`,
  );
  check(
    working.delay < blocking.delay / 2,
    `longest delay of the event loop: ${seconds(working.delay)}, instead of ${seconds(blocking.delay)}`,
  );
});

/** Hashes while another loop makes one request after the other. */
async function measured(session: ClientSession, hash: () => Promise<readonly string[]>) {
  // It counts from tick to tick: a little quiet before and after, so that no delay falls out of its view.
  const histogram = monitorEventLoopDelay({ resolution: 5 });
  histogram.enable();
  await sleep(50);
  const start = performance.now();
  const stop = new AbortController();
  const answering = askUntil(session, stop.signal);
  const hashes = await hash();
  const elapsed = performance.now() - start;
  stop.abort();
  const answered = await answering;
  await sleep(50);
  histogram.disable();
  const delay = histogram.max / 1e6;
  const report = `${seconds(elapsed)}, ${answered} requests answered, event loop at most ${seconds(delay)} late`;
  return { hashes, answered, delay, report };
}

async function askUntil(session: ClientSession, stop: AbortSignal): Promise<number> {
  let answered = 0;
  while (!stop.aborted) {
    await session.get("uuid").text();
    if (!stop.aborted) answered += 1;
  }
  return answered;
}
