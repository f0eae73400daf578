/** A batch in which much goes wrong: every failure is a result with a class and a code, and none stops the others. */
import {
  ClientSession,
  ConnectError,
  ContentTypeError,
  gather,
  InvalidUrlError,
  isSluiceError,
  RequestTimeoutError,
  ResponseError,
  TooManyRedirectsError,
} from "sluice";
import { closedPort } from "./support/closed-port.js";
import { runExample } from "./support/run-example.js";

await runExample("A batch in which failures come back as results", async ({ server, say, check }) => {
  await using session = new ClientSession({ timeout: { total: 2_000 } });
  const batch: readonly (readonly [url: string, expected: abstract new (...args: never[]) => Error | object])[] = [
    [`${server}/json`, Object],
    [`${server}/uuid`, Object],
    [`${server}/status/404`, ResponseError],
    [`${server}/status/503`, ResponseError],
    [`${server}/html`, ContentTypeError],
    [`${server}/delay/8`, RequestTimeoutError],
    [`${server}/redirect/20`, TooManyRedirectsError],
    [`http://127.0.0.1:${await closedPort()}/`, ConnectError],
    ["ftp://example.com/", InvalidUrlError],
  ];

  const outcomes = await gather.settled(
    batch.map(
      ([url]) =>
        (signal) =>
          session.get(url, { signal }).json(),
    ),
  );

  let asExpected = 0;
  for (const [index, outcome] of outcomes.entries()) {
    const [url = "", expected = Object] = batch[index] ?? [];
    const path = url.replace(server, "");
    if (outcome.status === "fulfilled") say(`${path.padEnd(26)} fine`);
    else say(`${path.padEnd(26)} ${isSluiceError(outcome.reason) ? outcome.reason.code : String(outcome.reason)}`);
    const got = outcome.status === "fulfilled" ? outcome.value : outcome.reason;
    if ((expected === Object) === (outcome.status === "fulfilled") && got instanceof expected) asExpected += 1;
  }
  const fine = outcomes.filter(({ status }) => status === "fulfilled").length;
  check(
    asExpected === batch.length,
    `${outcomes.length} results for ${batch.length} requests: ${fine} fine, each other one says why`,
  );
});
