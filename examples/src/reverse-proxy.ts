/** One front door: an API on two origins behind a prefix, credentials that only the proxy knows, and a kind word on bad days. */
import { ClientSession } from "sluice";
import { proxy } from "sluice/proxy";
import { Application, HttpError, type Middleware, reply, type Server } from "sluice/server";
import { runExample } from "./support/run-example.js";

/** The front door. `origins` serve the same API; `session` is what it asks them with. */
function frontDoor(session: ClientSession, origins: readonly string[], token: string): Application {
  let turn = 0;
  const nextOrigin = () => {
    turn += 1;
    return origins[turn % origins.length] ?? "";
  };
  const kindly: Middleware = async (_request, next) => {
    try {
      return await next();
    } catch (error) {
      if (!(error instanceof HttpError) || error.status < 502) throw error;
      return reply.text("Back in a minute\n", { status: 503, headers: { "Retry-After": "60" } });
    }
  };

  const app = new Application({ onError: () => undefined });
  app.get("/", () => "The front door");
  app.use(kindly);
  app.use(
    proxy(session, nextOrigin, {
      stripPrefix: "/api",
      via: "front-door",
      requestHeaders: (headers) => headers.set("Authorization", `Bearer ${token}`),
    }),
  );
  return app;
}

/** One of the origins: streams, redirects, and says what it was asked. */
function origin(name: string): Application {
  const app = new Application();
  app.get("/whoami", ({ headers, host }) => ({
    name,
    host,
    client: headers.get("x-forwarded-for"),
    from: headers.get("x-forwarded-host"),
    authorized: headers.get("authorization") === "Bearer t0ken",
    via: headers.get("via"),
  }));
  app.get("/old", () => reply.redirect("/whoami"));
  app.post("/count", async (request) => {
    let bytes = 0;
    for await (const piece of request.stream({ maxSize: Number.POSITIVE_INFINITY })) bytes += piece.byteLength;
    return { bytes };
  });
  app.get("/big", () => reply.stream(pieces(), { type: "application/octet-stream" }));
  return app;
}

interface Seen {
  readonly name: string;
  readonly client: string;
  readonly authorized: boolean;
  readonly via: string;
}

const MEGABYTES = 32;

await runExample("A reverse proxy", async ({ say, check }) => {
  await using one = await listening(origin("one"));
  await using two = await listening(origin("two"));
  await using upstream = new ClientSession({ timeout: { connect: 1_000, headers: 10_000 } });
  await using door = await listening(frontDoor(upstream, [one.url, two.url], "t0ken"));
  await using client = new ClientSession({ baseUrl: `${door.url}/` });

  check((await client.get("").text()) === "The front door", "its own routes stay its own");
  const seen: Seen[] = [];
  for (let index = 0; index < 4; index += 1) seen.push(await client.get("api/whoami").json<Seen>());
  check(new Set(seen.map(({ name }) => name)).size === 2, `taking turns: ${seen.map(({ name }) => name).join(", ")}`);
  const last = seen.at(-1);
  say(`an origin sees ${JSON.stringify(last)}`);
  check(
    last?.authorized === true && last.client === "127.0.0.1",
    "credentials come from the proxy, the address from the client",
  );

  const forged = { authorization: "Bearer mine", "x-forwarded-for": "203.0.113.9", x_forwarded_for: "203.0.113.9" };
  const lied = await client.get("api/whoami", { headers: forged }).json<Seen>();
  check(lied.authorized && lied.client === "127.0.0.1", "and not from what a client makes up");

  const moved = await client.get("api/old", { redirect: "manual" });
  check(moved.location === "/api/whoami", `a redirect of the origin's leads through the door: ${moved.location}`);

  let received = 0;
  const before = process.memoryUsage().rss;
  for await (const piece of (await client.get("api/big")).body) received += piece.byteLength;
  const { bytes } = await client.post("api/count", { body: pieces() }).json<{ bytes: number }>();
  const grown = (process.memoryUsage().rss - before) / 1e6;
  const whole = MEGABYTES * 1024 * 1024;
  check(
    received === whole && bytes === whole,
    `${MEGABYTES} MiB down and up again, streamed (memory +${grown.toFixed(0)} MB)`,
  );

  await one.close({ grace: 0 });
  await two.close({ grace: 0 });
  const closed = await client.get("api/whoami");
  check(closed.status === 503, `nobody home: ${closed.status}, ${(await closed.text()).trim()}`);
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(1024 * 1024);
  for (let index = 0; index < MEGABYTES; index += 1) yield piece;
}

function listening(app: Application): Promise<Server> {
  return app.listen({ port: 0, host: "127.0.0.1" });
}
