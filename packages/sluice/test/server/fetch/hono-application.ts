/** A hono application that does a bit of everything. */
import { createHash } from "node:crypto";
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { HTTPException } from "hono/http-exception";
import { logger } from "hono/logger";
import { stream, streamSSE, streamText } from "hono/streaming";

const LARGE = "0123456789abcdef".repeat(32 * 1024);

export function honoApplication(): Hono {
  const app = new Hono();
  app.use(
    "/logged/*",
    logger(() => undefined),
  );
  app.use("*", async (context, next) => {
    await next();
    context.header("X-Middleware", "seen");
  });
  app.get("/", (context) => context.text("home"));
  app.get("/logged/plain", () => new Response("plain"));
  addRoutes(app);
  addBodies(app);
  addStreams(app);
  addEnds(app);
  return app;
}

function addRoutes(app: Hono): void {
  app.get("/users/:id/:rest{.+}", (context) => context.json(context.req.param()));
  app.get("/query", (context) =>
    context.json({ all: context.req.queries("a") ?? null, one: context.req.query("b") ?? null }),
  );
  app.get("/url", (context) =>
    context.json({ url: context.req.url, path: context.req.path, raw: context.req.raw.url }),
  );
  app.all("/method", (context) => context.json({ method: context.req.method }));
  app.get("/headers", (context) => context.json(context.req.header()));
  app.get("/cookies", (context) => {
    setCookie(context, "a", "1", { path: "/", httpOnly: true, secure: true, sameSite: "Lax", maxAge: 60 });
    setCookie(context, "b", "é ü", { expires: new Date(0) });
    deleteCookie(context, "gone");
    return context.json(getCookie(context));
  });
  app.get("/cors", cors({ origin: "https://example.com", credentials: true }), (context) => context.text("shared"));
  app.options("/cors", cors({ origin: "https://example.com", allowMethods: ["GET"] }));
  app.get("/etag", etag(), (context) => context.text("tagged"));
  app.get("/html", (context) => context.html("<p>é</p>"));
  app.get("/redirect", (context) => context.redirect("/users/1/é?q=1", 308));
  app.route(
    "/sub",
    new Hono().get("/deep", (context) => context.text("deep")),
  );
}

function addBodies(app: Hono): void {
  app.post("/json", async (context) => context.json(await context.req.json()));
  app.post("/text", async (context) => context.text(await context.req.text()));
  app.post("/form", async (context) => context.json(await describeForm(context)));
  app.post("/bytes", async (context) => context.body(new Uint8Array(await context.req.arrayBuffer())));
  app.post("/blob", async (context) => {
    const blob = await context.req.blob();
    return context.json({ size: blob.size, type: blob.type });
  });
  app.post(
    "/echo",
    (context) => new Response(context.req.raw.body, { headers: { "content-type": "application/x-echo" } }),
  );
  app.post("/digest", async (context) => {
    const hash = createHash("sha256");
    let byteCount = 0;
    for await (const piece of context.req.raw.body ?? []) {
      hash.update(piece);
      byteCount += piece.byteLength;
    }
    return context.json({ byteCount, hash: hash.digest("hex") });
  });
  app.post("/twice", async (context) => {
    const copy = context.req.raw.clone();
    return context.json({ first: await context.req.raw.text(), second: await copy.text(), used: copy.bodyUsed });
  });
  app.post("/rewrapped", async (context) => {
    const inner = new Request(context.req.raw, { headers: { "x-inner": "1" } });
    return context.json({ text: await inner.text(), inner: inner.headers.get("x-inner"), method: inner.method });
  });
  app.post("/unread", (context) => context.text("not read", 202));
}

async function describeForm(context: Context): Promise<unknown> {
  const form = await context.req.parseBody({ all: true });
  return Object.entries(form).map(([name, value]) => [
    name,
    value instanceof File ? [value.name, value.type, value.size] : value,
  ]);
}

function addStreams(app: Hono): void {
  app.get("/large", (context) => context.body(LARGE));
  app.get("/stream", (context) =>
    streamText(context, async (out) => {
      for (const word of ["one ", "two ", "three"]) {
        await out.write(word);
        await out.sleep(1);
      }
    }),
  );
  app.get("/pipe", (context) => stream(context, (out) => out.pipe(new Blob(["p".repeat(100_000)]).stream() as never)));
  app.get("/sse", (context) =>
    streamSSE(context, async (out) => {
      await out.writeSSE({ data: "first", event: "tick", id: "1" });
      await out.writeSSE({ data: "second\nline", id: "2", retry: 10 });
    }),
  );
  app.get("/pulled", () => {
    let count = 0;
    const source = new ReadableStream({
      pull(controller) {
        count += 1;
        if (count > 5) controller.close();
        else controller.enqueue(new Uint8Array(10_000).fill(96 + count));
      },
    });
    return new Response(source, { status: 203, statusText: "Passed Along" });
  });
}

function addEnds(app: Hono): void {
  app.get("/throw", () => {
    throw new Error("secret reason");
  });
  app.get("/reject", () => Promise.reject(new Error("secret reason")));
  app.get("/exception", () => {
    throw new HTTPException(418, {
      message: "short and stout",
      res: new Response("teapot", { status: 418, headers: { "x-pot": "tea" } }),
    });
  });
  app.get("/nothing", (context) => context.body(null, 204));
  app.get("/not-modified", (context) => context.body(null, 304, { etag: '"x"' }));
  app.get("/empty", () => new Response());
  app.get("/empty-text", (context) => context.text(""));
  app.get("/status/:code", (context) => context.text("coded", Number(context.req.param("code")) as 200));
  app.get(
    "/bare",
    () =>
      new Response("bare", {
        headers: [
          ["x-list", "a"],
          ["x-list", "b"],
          ["set-cookie", "c=1"],
          ["set-cookie", "d=2"],
        ],
      }),
  );
  app.get("/static-json", () =>
    Response.json({ made: "by Response.json" }, { status: 201, headers: { "x-json": "yes" } }),
  );
  app.get("/bytes", () => new Response(new Uint8Array([0, 1, 2, 255])));
  app.get("/search", () => new Response(new URLSearchParams({ a: "1 2" })));
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    return context.json({ handled: error.name }, 500);
  });
  app.notFound((context) => context.text(`nothing at ${context.req.path}`, 404));
}
