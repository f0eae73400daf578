/** Many URLs, few connections: `mapConcurrent` reads its source only as places become free. */
import { ClientSession, mapConcurrent } from "sluice";
import { runExample, seconds, since } from "./support/run-example.js";

const URLS = 1_000;
const CONNECTIONS = 50;

await runExample("1,000 URLs through 50 connections", async ({ server, check }) => {
  await using session = new ClientSession({ connector: { limit: CONNECTIONS } });
  const start = performance.now();
  const numbers = new Set<string>();
  let failed = 0;
  let mostOpen = 0;

  const download = (url: string, signal: AbortSignal) => session.get(url, { signal }).json<{ args: { n: string } }>();
  for await (const { value, error } of mapConcurrent(urls(server), download, { concurrency: CONNECTIONS })) {
    if (error === undefined) numbers.add(value.args.n);
    else failed += 1;
    mostOpen = Math.max(mostOpen, session.connector.stats()[server]?.open ?? 0);
  }

  const elapsed = since(start);
  const rate = Math.round(URLS / (elapsed / 1_000));
  check(numbers.size === URLS && failed === 0, `${numbers.size} answers, each the right one, ${failed} failures`);
  check(mostOpen > 1 && mostOpen <= CONNECTIONS, `at most ${mostOpen} connections were open`);
  check(elapsed < 15_000, `${seconds(elapsed)}, about ${rate} requests a second`);
});

function* urls(server: string): Generator<string> {
  for (let n = 1; n <= URLS; n += 1) yield `${server}/get?n=${n}`;
}
