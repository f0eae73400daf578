/** An endpoint whose limit nobody told us: an adaptive throttle finds it, and retry sends again what was refused on the way. */
import { randomUUID } from "node:crypto";
import { ClientSession, gather } from "sluice";
import { runExample, seconds, since } from "./support/run-example.js";

const REQUESTS = 120;
const ALLOWED_PER_SECOND = 40;

await runExample("An unknown rate limit, found while asking", async ({ server, check }) => {
  let refused = 0;
  await using session = new ClientSession({
    baseUrl: `${server}/`,
    params: { requests: ALLOWED_PER_SECOND, per: 1, key: randomUUID() },
    throttle: { adaptive: { start: 20 } },
    retry: { attempts: 5 },
    trace: { requestRetry: () => (refused += 1) },
  });
  const start = performance.now();
  const answers = await gather(
    Array.from({ length: REQUESTS }, () => (signal: AbortSignal) => session.get("rate-limited", { signal }).json()),
  );
  check(answers.length === REQUESTS, `${answers.length} answers in ${seconds(since(start))}`);
  check(refused < REQUESTS / 10, `${refused} of ${REQUESTS} refused on the way, and sent again`);
});
