/** Asking once for what holds: answers that are kept, answers that are asked about, and answers that outlive their server. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CacheStatus, type ClientMiddleware, ClientSession, cache, MemoryCacheStore } from "sluice";
import { runExample } from "./support/run-example.js";

await runExample("A cache", async ({ server, say, check }) => {
  const store = new MemoryCacheStore({ maxBytes: 16 * 1024 * 1024 });
  let sent = 0;
  // Within the cache: it sees what the cache does not have.
  const counting: ClientMiddleware = (request, next) => {
    sent += 1;
    return next(request);
  };
  await using session = new ClientSession({ baseUrl: `${server}/`, hopMiddleware: [cache({ store }), counting] });

  // The server says that this holds for a minute.
  for (let turn = 0; turn < 9; turn += 1) await session.get("cache/60").json();
  check(sent === 1, `9 requests, ${sent} asked of the server; kept: ${store.size} answers, ${store.bytes} bytes`);

  // It says nothing of this one but which version it is.
  const tagged: (CacheStatus | undefined)[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const response = await session.get("etag/v1");
    await response.json();
    tagged.push(response.cacheStatus);
  }
  check(tagged.join() === "miss,revalidated,revalidated", `known by its tag: ${tagged.join(", ")}`);

  // One request may ask for more, in HTTP's own words.
  const again = await session.get("cache/60", { headers: { "cache-control": "no-cache" } });
  await again.json();
  check(again.cacheStatus === "miss", `with no-cache it is asked for anew: ${again.cacheStatus}`);

  // A server that is gone.
  const origin = createServer((_request, response) => response.setHeader("cache-control", "max-age=0").end("news"));
  await once(origin.listen(0, "127.0.0.1"), "listening");
  const { port } = origin.address() as AddressInfo;
  await using careful = new ClientSession({ hopMiddleware: [cache({ staleIfError: 60_000 })] });
  await careful.get(`http://127.0.0.1:${port}/`).text();
  origin.closeAllConnections();
  await new Promise((resolve) => origin.close(resolve));
  const last = await careful.get(`http://127.0.0.1:${port}/`);
  check(last.cacheStatus === "stale", `the server is gone, its last answer is not: ${last.cacheStatus}`);
  say(`it says: ${await last.text()}`);
});
