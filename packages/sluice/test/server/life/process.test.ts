/** What a server's process does when it is asked to end under load, and when its handlers fail; clients are in another process. */
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { runChild } from "../../client/child.js";
import { RawClient } from "../raw-client.js";
import { type ServerProcess, startServerProcess } from "./server-process.js";

/** The whole answer to GET `path`, or undefined when there was none. */
function answered({ host, port }: ServerProcess, path: string, agent: Agent | false): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host, port, path, agent }, (response) => {
      let text = "";
      response.setEncoding("latin1").on("data", (piece: string) => {
        text += piece;
      });
      response.on("end", () => resolve(response.complete ? text : undefined));
      response.on("error", () => resolve(undefined));
    });
    sent.on("error", () => resolve(undefined));
    sent.end();
  });
}

/** Asks on `clients` connections, one request after the other, until there is no answer any more. */
async function underLoad(
  server: ServerProcess,
  clients: number,
  meanwhile: () => unknown,
): Promise<Map<string, string>> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const answers = new Map<string, string>();
  let count = 0;
  const one = async (): Promise<void> => {
    for (;;) {
      count += 1;
      const path = `/${count}`;
      const text = await answered(server, path, agent);
      if (text !== undefined) answers.set(path, text);
      else if (
        await server.ended.then(
          () => true,
          () => true,
        )
      )
        return;
    }
  };
  const all = Array.from({ length: clients }, one);
  while (count < clients * 10) await new Promise((resolve) => setTimeout(resolve, 5));
  await meanwhile();
  await Promise.all(all);
  agent.destroy();
  return answers;
}

const LOADED = `
  const begun = [];
  const app = new Application();
  app.get("/:id", async (request) => {
    begun.push(request.path);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    if (request.path.endsWith("3")) {
      return reply.stream((async function* () {
        yield "answer to ";
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
        yield request.path;
      })());
    }
    return "answer to " + request.path;
  });
  app.onStop(() => console.log(JSON.stringify(begun)));
`;

describe("SIGTERM under load", () => {
  test.each([
    ["at once", "true"],
    ["after a drain delay", "{ drainDelay: 150 }"],
  ])("loses no request that was accepted, and the process ends by itself: %s", async (_when, signals) => {
    const server = await startServerProcess(`${LOADED} await listen(app, { signals: ${signals} });`);
    const answers = await underLoad(server, 24, () => server.child.kill("SIGTERM"));
    const { code, output, errors } = await server.ended;
    const begun = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as string[];
    expect([code, errors]).toEqual([0, ""]);
    expect(begun.length).toBeGreaterThan(200);
    expect(begun.filter((path) => answers.get(path) !== `answer to ${path}`)).toEqual([]);
  });
});

const FAILING = `
  const wait = () => new Promise((resolve) => setImmediate(resolve));
  const fail = (where) => { throw new Error("thrown " + where); };
  const errors = [];
  const app = new Application({ onError: (error) => errors.push(error.message) });
  app.get("/sync", () => fail("at once"));
  app.get("/async", async () => { await wait(); fail("later"); });
  app.get("/nothing", () => undefined);
  app.get("/middleware", [() => fail("in middleware")], () => "x");
  app.get("/before-reply", (request) => { request.beforeReply(() => fail("before the reply")); return "x"; });
  app.get("/no-source", () => reply.stream(() => fail("by the source")));
  app.get("/first", () => reply.stream((async function* () { fail("before streaming"); yield "x"; })()));
  app.get("/middle", () => reply.stream((async function* () { yield "some"; await wait(); fail("while streaming"); })()));
  app.get("/wrong-piece", () => reply.stream((async function* () { yield "some"; await wait(); yield 7; })()));
  app.get("/too-much", () => reply.stream((async function* () { yield "12345"; })(), { headers: { "content-length": "3" } }));
  app.get("/after", () => reply.stream((async function* () { try { yield "all"; } finally { fail("after streaming"); } })()));
  app.get("/sent", () => reply.text("all").whenSent(() => fail("when it was sent")));
  app.get("/upload", async (request) => { for await (const piece of request.stream()) fail("while reading " + piece.length); return null; });
  app.get("/ok", () => "ok");
  app.onResponse((request) => { if (request.path === "/ok") fail("in a hook"); });
  app.onStop(() => console.log(JSON.stringify(errors)));
  await listen(app, { signals: true });
`;

describe("a handler that throws", () => {
  test("at any point, leaves the process running and its connection either usable or closed", async () => {
    const server = await startServerProcess(FAILING);
    const outcome = async (path: string, body = ""): Promise<string> => {
      const client = new RawClient(connect(server.port, server.host));
      const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\n${length}\r\n${body}`);
      await client.until(({ received, closed, ended }) => closed || ended || /\r\n\r\n/.test(received));
      client.send("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.until(({ received, closed, ended }) => closed || ended || received.endsWith("\r\n\r\nok"));
      const { received } = client;
      client.socket.destroy();
      const status = /^HTTP\/1\.1 (\d+)/.exec(received)?.[1] ?? "no answer";
      const [head = "", content = ""] = received.split(/\r\n\r\n([\s\S]*)/);
      const declared = /\r\nContent-Length: (\d+)/i.exec(head)?.[1];
      const complete = declared === undefined ? content.includes("0\r\n\r\n") : content.length >= Number(declared);
      const whole = complete ? "whole" : "cut short";
      return `${status} ${whole}, ${received.endsWith("\r\n\r\nok") ? "goes on" : "closed"}`;
    };
    const usable = ["sync", "async", "nothing", "middleware", "before-reply", "no-source", "first"];
    for (const path of usable) expect([path, await outcome(`/${path}`)]).toEqual([path, "500 whole, goes on"]);
    expect(await outcome("/upload", "some body")).toBe("500 whole, goes on");
    for (const path of ["sent", "ok"]) expect([path, await outcome(`/${path}`)]).toEqual([path, "200 whole, goes on"]);
    for (const path of ["middle", "wrong-piece", "too-much", "after"]) {
      expect([path, await outcome(`/${path}`)]).toEqual([path, "200 cut short, closed"]);
    }
    expect(await answered(server, "/ok", false)).toBe("ok");
    server.child.kill("SIGTERM");
    const { code, output, errors } = await server.ended;
    expect([code, errors]).toEqual([0, ""]);
    const reported = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as string[];
    for (const where of ["at once", "later", "in middleware", "before the reply", "when it was sent", "in a hook"]) {
      expect(reported).toContain(`thrown ${where}`);
    }
    for (const where of ["by the source", "before streaming", "while streaming", "after streaming"]) {
      expect(reported.filter((message) => message === `thrown ${where}`)).toHaveLength(1);
    }
  });
});

test("close() ends when its grace is over, though nothing but a handler without a connection is left", async () => {
  const { code, output, errors } = await runChild(`
    import { Application } from "./dist/server.js";
    import { ClientSession } from "./dist/index.js";
    const app = new Application();
    app.websocket("/", () => new Promise(() => {}));
    const server = await app.listen({ port: 0, host: "127.0.0.1" });
    const session = new ClientSession();
    const socket = await session.websocket(server.url.replace("http", "ws"));
    socket.terminate();
    await socket.closed;
    await session.close();
    await server.close({ grace: 50 });
    console.log("closed");
  `);
  expect({ code, output, errors }).toEqual({ code: 0, output: "closed\n", errors: "" });
});
