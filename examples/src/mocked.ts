/** Code that calls a service, tested without the service: what it sends is checked, what it gets is made up, faults included. */
import { ClientSession, ConnectionLostError, UsageError } from "sluice";
import { ManualClock, MockConnector } from "sluice/testing";
import { runExample } from "./support/run-example.js";

const API = "https://api.example.com";

/** The code under test: pages through a list, and knows nothing of being tested. */
async function allNames(session: ClientSession): Promise<string[]> {
  const names: string[] = [];
  for (let page: number | undefined = 1; page !== undefined; ) {
    const part: { names: string[]; next?: number } = await session.get(`${API}/names`, { params: { page } }).json();
    names.push(...part.names);
    page = part.next;
  }
  return names;
}

await runExample("A service that is not there", async ({ say, check }) => {
  const clock = new ManualClock();
  await using mock = new MockConnector({ clock });
  await using session = new ClientSession({ connector: mock, auth: { bearer: "t0ken" }, retry: 3 });

  // Two pages, the second only at the second try; what is asked, and with which credentials, is part of it.
  const asked = { headers: { authorization: "Bearer t0ken" } };
  mock.get(`${API}/names?page=1`, asked).reply(200, { json: { names: ["Ada", "Grace"], next: 2 } });
  const second = mock
    .get(`${API}/names?page=2`, asked)
    .reply(503)
    .reply(200, { json: { names: ["Edsger"] } });
  const names = allNames(session);
  await clock.advanceAsync(60_000);
  check((await names).join() === "Ada,Grace,Edsger", `names of both pages: ${(await names).join(", ")}`);
  check(
    second.calls.length === 2,
    `the second page was asked for ${second.calls.length} times, a minute of patience in no time`,
  );
  mock.assertDone();

  // An answer that breaks off in the middle.
  mock
    .get(`${API}/big`)
    .reply(200, { text: "x".repeat(1_000), breakAfter: 500 })
    .persist();
  const broken: unknown = await session
    .get(`${API}/big`, { retry: false })
    .text()
    .catch((error: unknown) => error);
  check(
    broken instanceof ConnectionLostError,
    `half an answer is an error: ${broken instanceof Error ? broken.name : "none"}`,
  );

  // What nobody prepared.
  const surprise: unknown = await session.get(`${API}/names?page=3`).catch((error: unknown) => error);
  check(
    surprise instanceof UsageError && surprise.code === "mock/unmatched",
    "a request that nobody expected is an error:",
  );
  if (surprise instanceof Error) for (const line of surprise.message.split("\n")) say(line);
});
