/** An h3 application that does a bit of everything. */
import {
  createEventStream,
  defineHandler,
  deleteCookie,
  getCookie,
  getQuery,
  getRouterParams,
  H3,
  HTTPError,
  handleCors,
  html,
  iterable,
  noContent,
  parseCookies,
  readBody,
  redirect,
  setCookie,
} from "h3";

export function h3Application(): H3 {
  const app = new H3({ debug: false, silent: true } as never);
  app.use(async (event, next) => {
    event.res.headers.set("x-middleware", "seen");
    return next();
  });
  app.get("/", () => "home");
  app.get("/json/:id/**:rest", (event) => ({ params: getRouterParams(event), query: getQuery(event) }));
  app.get("/url", (event) => ({ url: event.req.url, path: event.path, method: event.req.method }));
  app.get("/headers", (event) => Object.fromEntries(event.req.headers));
  app.get("/cookies", (event) => {
    setCookie(event, "a", "1", { httpOnly: true, sameSite: "lax" });
    setCookie(event, "b", "é", { path: "/b" });
    deleteCookie(event, "gone");
    return { all: parseCookies(event), one: getCookie(event, "x") ?? null };
  });
  app.get("/html", () => html("<p>é</p>"));
  app.get("/redirect", () => redirect("/elsewhere", 307));
  app.get("/nothing", () => noContent());
  app.get("/cors", (event) => {
    const done = handleCors(event, { origin: ["https://example.com"] });
    return done === false ? "shared" : done;
  });
  addBodies(app);
  addEnds(app);
  return app;
}

function addBodies(app: H3): void {
  app.post("/body", async (event) => ({ body: (await readBody(event)) ?? null }));
  app.post("/text", async (event) => event.req.text());
  app.post("/bytes", async (event) => new Uint8Array(await event.req.arrayBuffer()));
  app.post("/form", async (event) => {
    const form = await event.req.formData();
    return [...form].map(([name, value]) => [
      name,
      typeof value === "string" ? value : [value.name, value.type, value.size],
    ]);
  });
  app.post("/echo", (event) => event.req.body);
  app.get("/iterable", () => iterable(["a", "b", new TextEncoder().encode("c")]));
  app.get("/stream", () => new Blob(["s".repeat(70_000)]).stream());
  app.get("/sse", (event) => {
    const events = createEventStream(event);
    void events
      .push("first")
      .then(() => events.push({ event: "tick", data: "second", id: "2" }))
      .then(() => events.close());
    return events.send();
  });
}

function addEnds(app: H3): void {
  app.get("/status", (event) => {
    event.res.status = 201;
    event.res.statusText = "Made Up";
    return "made";
  });
  app.get("/http-error", () => {
    throw new HTTPError({ status: 409, message: "conflict", headers: { "x-error": "yes" }, data: { field: "name" } });
  });
  app.get("/throw", () => {
    throw new Error("secret reason");
  });
  app.get("/response", () => new Response("own", { status: 202, headers: { "x-own": "1" } }));
  app.get("/handler", defineHandler({ meta: {}, handler: () => ({ defined: true }) }));
  app.get("/null", () => null);
}
