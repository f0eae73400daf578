/** Servers on a bad day: time limits that say which one ended a request, and tries that are made again. */
import { randomUUID } from "node:crypto";
import { ClientSession, RequestTimeoutError } from "sluice";
import { runExample, seconds, since } from "./support/run-example.js";

await runExample("Time-outs and retries", async ({ server, check }) => {
  await using session = new ClientSession({ baseUrl: `${server}/` });

  // No head within half a second.
  const silent = await timeOutOf(session.get("slow?delay=8", { timeout: { headers: 500 } }));
  check(
    silent.phase === "headers" && silent.ms < 3_000,
    `a silent server ended by "headers" after ${seconds(silent.ms)}`,
  );

  // A byte now and then keeps `read` content; `total` sees through it.
  const dripping = await timeOutOf(
    session.get("drip?duration=8&numbytes=16", { timeout: { read: 5_000, total: 1_200 } }).text(),
  );
  check(
    dripping.phase === "total" && dripping.ms < 4_000,
    `a dripping one ended by "total" after ${seconds(dripping.ms)}`,
  );

  // Two 503 and then an answer.
  const once = await session.get("flaky", { params: { key: randomUUID(), fail: 2 } });
  check(once.status === 503, `a flaky one without retry: ${once.status}`);
  const retried = await session
    .get("flaky", { params: { key: randomUUID(), fail: 2 }, retry: { attempts: 4, baseDelay: 100 } })
    .json<{ ok: boolean; attempt: number }>();
  check(retried.ok && retried.attempt === 3, `with retry: fine at attempt ${retried.attempt}`);
});

/** Which limit ended a request, and after how many milliseconds. */
async function timeOutOf(request: PromiseLike<unknown>): Promise<{ phase: string; ms: number }> {
  const start = performance.now();
  try {
    await request;
    return { phase: "none", ms: since(start) };
  } catch (error) {
    if (!(error instanceof RequestTimeoutError)) throw error;
    return { phase: error.phase ?? "unknown", ms: since(start) };
  }
}
