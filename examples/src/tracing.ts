/** What one request tells of itself: every step with its time, and nothing secret in it. */
import { ClientSession, type ClientTrace, type ClientTraceName, type TraceEvent } from "sluice";
import { runExample } from "./support/run-example.js";

const NAMES: readonly ClientTraceName[] = [
  "requestStart",
  "queueStart",
  "queueEnd",
  "connectStart",
  "connectEnd",
  "connectionReuse",
  "requestHeadersSent",
  "responseHeaders",
  "responseBodyReceived",
  "requestRedirect",
  "requestEnd",
];
const SECRET = "hunter2";

await runExample("The trace of one request and its redirect", async ({ server, say, check }) => {
  const lines: string[] = [];
  const seen = new Set<string>();
  let begin: number | undefined;
  const listener = (event: TraceEvent<ClientTraceName>): void => {
    const { event: name, id: _id, method: _method, url: _url, time, ...details } = event;
    begin ??= time;
    seen.add(name);
    lines.push(`${(time - begin).toFixed(1).padStart(6)} ms  ${name.padEnd(20)} ${describe(details)}`);
  };
  const trace: ClientTrace = Object.fromEntries(NAMES.map((name) => [name, listener]));

  await using session = new ClientSession({ baseUrl: `${server}/`, trace, auth: { bearer: SECRET } });
  const response = await session.get("redirect/1", { params: { token: SECRET } });
  await response.text();
  await Promise.resolve();

  for (const line of lines) say(line);
  const { queued, connect, send, wait, receive } = response.timings;
  const parts = { queued, connect, send, wait, receive };
  say(`timings of the last hop: ${describe(parts)}`);
  const expected: readonly ClientTraceName[] = ["requestStart", "connectStart", "requestRedirect", "requestEnd"];
  check(
    expected.every((name) => seen.has(name)),
    `${lines.length} events, from requestStart to requestEnd`,
  );
  check(response.history.length === 1, "the redirect is in them and in the response's history");
  check(!lines.join().includes(SECRET), "the token in query and header is in none of them");
});

function describe(details: object): string {
  return Object.entries(details)
    .map(([name, value]) => `${name}=${typeof value === "number" ? Math.round(value * 10) / 10 : value}`)
    .join(" ");
}
