/**
 * A process that serves producers that do not care whether anybody listens, and tells what happens to it: a JSON line when it listens,
 * one for each `cancel` and each abort. Any uncaught exception or unhandled rejection ends it.
 */
import { Hono } from "hono";
import { stream, streamSSE } from "hono/streaming";
import { serve } from "sluice/server";

const piece = new TextEncoder().encode("piece ".repeat(200));
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const app = new Hono();
const until = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Sends from a timer, for ever or until `cancel` has been called and a while later, or fails. */
function ticking(name, { cancel, after }) {
  return new ReadableStream({
    start(controller) {
      const timer = setInterval(() => {
        controller.enqueue(piece);
        after?.(controller);
      }, 2);
      setTimeout(() => {
        clearInterval(timer);
        controller.close();
        say({ ended: name });
      }, 400);
    },
    cancel,
  });
}

app.use("*", async (context, next) => {
  const { signal } = context.req.raw;
  signal.addEventListener("abort", () => say({ aborted: context.req.path }));
  await next();
});
app.get("/ignores", () => new Response(ticking("/ignores", {})));
app.get("/listens", () => new Response(ticking("/listens", { cancel: () => say({ cancelled: "/listens" }) })));
app.get(
  "/cancel-throws",
  () =>
    new Response(
      ticking("/cancel-throws", {
        cancel() {
          say({ cancelled: "/cancel-throws" });
          throw new Error("refuses to be cancelled");
        },
      }),
    ),
);
app.get(
  "/cancel-rejects",
  () => new Response(ticking("/cancel-rejects", { cancel: () => Promise.reject(new Error("refuses later")) })),
);
app.get("/errors", () => {
  let count = 0;
  const after = (controller) => {
    count += 1;
    if (count === 3) controller.error(new Error("gives up"));
  };
  const source = new ReadableStream({
    start(controller) {
      const timer = setInterval(() => {
        if (count >= 3) return clearInterval(timer);
        controller.enqueue(piece);
        after(controller);
      }, 2);
    },
  });
  return new Response(source);
});
app.get("/bytes", () => {
  let timer;
  const source = new ReadableStream({
    type: "bytes",
    start(controller) {
      timer = setInterval(() => controller.enqueue(piece.slice()), 2);
      setTimeout(() => clearInterval(timer), 400);
    },
    cancel: () => say({ cancelled: "/bytes" }),
  });
  return new Response(source);
});
app.get("/pull", () => {
  const source = new ReadableStream({
    async pull(controller) {
      await until(2);
      controller.enqueue(piece);
    },
    cancel: () => say({ cancelled: "/pull" }),
  });
  return new Response(source);
});
app.get("/start", () => {
  const source = new ReadableStream({
    async start(controller) {
      for (let count = 0; count < 100; count += 1) {
        await until(2);
        controller.enqueue(piece);
      }
    },
    cancel: () => say({ cancelled: "/start" }),
  });
  return new Response(source);
});
app.get("/generator", () => {
  async function* pieces() {
    try {
      for (;;) {
        await until(2);
        yield piece;
      }
    } finally {
      say({ cancelled: "/generator" });
    }
  }
  return new Response(pieces());
});
app.get("/hono-stream", (context) =>
  stream(context, async (out) => {
    out.onAbort(() => say({ cancelled: "/hono-stream" }));
    for (let count = 0; count < 100; count += 1) {
      await out.write(piece);
      await out.sleep(2);
    }
  }),
);
app.get("/hono-sse", (context) =>
  streamSSE(context, async (out) => {
    out.onAbort(() => say({ cancelled: "/hono-sse" }));
    for (let count = 0; count < 100; count += 1) {
      await out.writeSSE({ data: "tick" });
      await out.sleep(2);
    }
  }),
);
app.get("/upload", (context) => context.text("never"));
app.post("/upload", async (context) => context.text(await context.req.text()));
app.post("/unawaited", (context) => {
  void context.req.raw.body?.getReader().read();
  return context.text("early");
});
app.get("/alive", (context) => context.text("alive"));
app.onError((_error, context) => context.text("failed", 500));

const server = await serve(app, {
  host: "127.0.0.1",
  port: 0,
  lightweightGlobals: process.argv[2] === "light",
  onError: (error) => say({ reported: String(error) }),
});
say({ port: server.address.port });
