/** Node's own `fetch` and ours, the same thousands of calls and answers, side by side. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientSession } from "../../../src/client/session.js";
import { fetchCase, type Origins } from "./difference/cases.js";
import { differences, outcomeOf } from "./difference/compare.js";
import { EXPLAINED } from "./difference/differences.js";
import { RawOrigin, type Received } from "./difference/raw-origin.js";

const CASES = Number(process.env["FETCH_CASES"] ?? 1_600);
/** What is rare among the others. */
const MORE_CASES = [3_616];
/** What Node has not answered by then counts as not answered, which is no failure; of ours it would be one. */
const PATIENCE_MS = { native: 2_000, ours: 60_000 };

let received: Received[] = [];
let answering: (hop: number) => { bytes: string; end?: boolean };
let origins: Origins;
let servers: RawOrigin[] = [];
let session: ClientSession;

beforeAll(async () => {
  session = new ClientSession({ cookies: false });
  await listen();
});

/** What a failed call has left on its way arrives, and is not counted: the loop looks at its sockets between two turns. */
async function leftBehind(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** On new ports: what an abandoned call still sends does not reach the next case. */
async function listen(): Promise<void> {
  for (const server of servers) server.close();
  const answer = (one: Received) => {
    received.push(one);
    return answering(received.length - 1);
  };
  servers = [await RawOrigin.listen(answer), await RawOrigin.listen(answer)];
  origins = { first: servers[0]?.url ?? "", second: servers[1]?.url ?? "" };
}

afterAll(async () => {
  await session.close();
  for (const server of servers) server.close();
});

test(`${CASES} generated calls: each difference is one of those explained, and each explanation is needed`, async () => {
  const used = new Set<string>();
  const unexplained: string[] = [];
  for (const number of [...Array(CASES).keys(), ...MORE_CASES]) {
    const one = fetchCase(number);
    answering = (hop) => one.answer(hop, origins);
    received = [];
    const native = await outcomeOf(globalThis.fetch, one, { origins, received, patienceMs: PATIENCE_MS.native });
    if (native.response === "waits for ever") await listen();
    if (native.rejected !== undefined) await leftBehind();
    received = [];
    const ours = await outcomeOf(session.fetch, one, { origins, received, patienceMs: PATIENCE_MS.ours });
    if (ours.rejected !== undefined) await leftBehind();
    for (const difference of differences(native, ours)) {
      const explained = EXPLAINED.find((each) => each.covers(difference, { native, ours, one }));
      if (explained !== undefined) used.add(explained.what);
      else
        unexplained.push(`case ${number}: ${JSON.stringify(difference)} ${JSON.stringify(one.arguments(origins)[1])}`);
    }
  }
  expect(unexplained.slice(0, Number(process.env["FETCH_SHOWN"] ?? 20))).toEqual([]);
  expect(EXPLAINED.map(({ what }) => what).filter((what) => !used.has(what))).toEqual([]);
});
