/** Something to look at: a few routes that answer in different times, and a client that asks for them in waves. */
import { setTimeout as sleep } from "node:timers/promises";
import { ClientSession } from "sluice";
import { type Application, reply, type Server } from "sluice/server";

const WAVE_MS = 60_000;
const LEAST_PER_SECOND = 20;
const MOST_PER_SECOND = 160;
const TICK_MS = 50;

export function addDemoRoutes(app: Application): void {
  app.get("/demo/quick", () => ({ ok: true }));
  app.get("/demo/slow", async () => {
    await sleep(20 + 200 * Math.random() ** 3);
    return { ok: true };
  });
  app.get("/demo/busy", () => {
    const end = performance.now() + 15;
    let turns = 0;
    while (performance.now() < end) turns += 1;
    return { turns };
  });
  app.get("/demo/broken", () => reply.text("Broken on purpose", { status: 503 }));
}

/** Until the server is told to close. */
export async function makeDemoTraffic(server: Server): Promise<void> {
  await using session = new ClientSession({ baseUrl: `${server.url}/demo/` });
  let owed = 0;
  for (let start = performance.now(); !server.closing; ) {
    const wave = (1 - Math.cos(((performance.now() - start) / WAVE_MS) * 2 * Math.PI)) / 2;
    owed += ((LEAST_PER_SECOND + wave * (MOST_PER_SECOND - LEAST_PER_SECOND)) * TICK_MS) / 1_000;
    for (; owed >= 1; owed -= 1) void ask(session, server);
    await sleep(TICK_MS);
  }
}

async function ask(session: ClientSession, server: Server): Promise<void> {
  const dice = Math.random();
  const path = dice < 0.7 ? "quick" : dice < 0.96 ? "slow" : dice < 0.985 ? "busy" : "broken";
  try {
    await (await session.get(path)).bytes();
  } catch (error) {
    // Who closes refuses: that is no news.
    if (!server.closing) console.error(error);
  }
}
