/** An endpoint that lets ten requests a second through: hammered first, then asked at its own pace. */
import { randomUUID } from "node:crypto";
import { ClientSession, gather } from "sluice";
import { runExample, seconds, since } from "./support/run-example.js";

const REQUESTS = 30;
const PER_SECOND = 10;

await runExample("A rate-limited endpoint, without and with throttling", async ({ server, check }) => {
  await using session = new ClientSession({ baseUrl: `${server}/`, params: { requests: PER_SECOND, per: 1 } });
  const hammered = await statusesOf(session);
  check(hammered.refused > REQUESTS / 3, `without: ${hammered.refused} of ${REQUESTS} refused with 429`);

  await using patient = session.extend({ throttle: { requests: PER_SECOND, per: 1_000 } });
  const start = performance.now();
  const throttled = await statusesOf(patient);
  check(throttled.refused === 0, `with: ${throttled.refused} of ${REQUESTS} refused, ${seconds(since(start))}`);
});

async function statusesOf(session: ClientSession): Promise<{ refused: number }> {
  const params = { key: randomUUID() };
  const responses = await gather(
    Array.from({ length: REQUESTS }, () => (signal: AbortSignal) => session.get("rate-limited", { params, signal })),
  );
  return { refused: responses.filter(({ status }) => status === 429).length };
}
