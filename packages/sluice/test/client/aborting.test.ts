import { getEventListeners } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deferred, FakeNet, ok, redirect, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";
const HEAD_OF_TEN = "HTTP/1.1 200 \r\ncontent-length: 10\r\n\r\n";

const unhandled: unknown[] = [];
const note = (reason: unknown): void => {
  unhandled.push(reason);
};
beforeAll(() => {
  process.on("unhandledRejection", note);
});
afterAll(() => {
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

/** Each phase: a network and what to do until the request is in it. */
const PHASES: [
  name: string,
  make: () => { net: FakeNet; begin?: (net: FakeNet) => void | Promise<void>; options?: object },
][] = [
  [
    "queue",
    () => {
      const net = new FakeNet(() => undefined);
      return { net, options: { limit: 1 } };
    },
  ],
  [
    "connect",
    () => {
      const net = new FakeNet();
      net.dialing = () => new Promise(() => undefined);
      return { net };
    },
  ],
  ["waiting for the head", () => ({ net: new FakeNet(() => undefined) })],
  ["in the middle of the head", () => ({ net: new FakeNet(() => ["HTTP/1.1 200 OK\r\nx-a"]) })],
  [
    "after a redirect",
    () => ({ net: new FakeNet(({ target }) => (target === "/x" ? redirect(302, "/y") : undefined)) }),
  ],
];

describe.each(PHASES)("while %s", (name, make) => {
  test.each(["response", "text", "stream"])("an abort rejects with the signal's reason itself (%s)", async (way) => {
    const { net, options } = make();
    const session = net.session({}, options);
    const blocker = name === "queue" ? session.get(URL_A) : undefined;
    blocker?.catch(() => undefined);
    if (blocker !== undefined) await turns();
    const controller = new AbortController();
    const request = session.get(URL_A, { signal: controller.signal });
    const consumed = way === "text" ? request.text() : way === "stream" ? request.lines().next() : request;
    const failed = rejection<unknown>(consumed as PromiseLike<unknown>);
    await turns();
    expect(listeners(controller.signal)).toBe(1);
    const reason = { why: "because" };
    controller.abort(reason);
    expect(await failed).toBe(reason);
    expect(listeners(controller.signal)).toBe(0);
    await turns();
    expect(net.open).toBe(name === "queue" ? 1 : 0);
    expect(session.toJSON()["running"]).toBe(blocker === undefined ? 0 : 1);
  });
});

describe("during the body", () => {
  test("an abort ends every way of reading with the reason itself", async () => {
    for (const read of ["text", "bytes", "iterate", "node", "web"] as const) {
      const net = new FakeNet(() => [`${HEAD_OF_TEN}ab`]);
      const controller = new AbortController();
      const { body } = await net.session().get(URL_A, { signal: controller.signal });
      const reading = {
        text: () => body.text(),
        bytes: () => body.bytes(),
        iterate: async () => {
          for await (const _piece of body);
        },
        node: async () => {
          for await (const _piece of body.toNode());
        },
        web: async () => {
          for await (const _piece of body.toWeb());
        },
      }[read];
      const failed = rejection<unknown>(reading());
      await turns();
      const reason = new Error("stop");
      controller.abort(reason);
      expect(await failed, read).toBe(reason);
      expect(listeners(controller.signal)).toBe(0);
      await turns();
      expect(net.open).toBe(0);
    }
  });

  test("an unread body is broken off too, and a later reader is told the reason", async () => {
    const net = new FakeNet(() => [`${HEAD_OF_TEN}ab`]);
    const controller = new AbortController();
    const response = await net.session().get(URL_A, { signal: controller.signal });
    const reason = new Error("stop");
    controller.abort(reason);
    await turns();
    expect(net.open).toBe(0);
    expect(await rejection(response.text())).toBe(reason);
  });

  test("a reason that is no error arrives as it is", async () => {
    const net = new FakeNet(() => [`${HEAD_OF_TEN}ab`]);
    for (const reason of ["text", 5, null]) {
      const controller = new AbortController();
      const failed = rejection<unknown>(net.session().get(URL_A, { signal: controller.signal }).text());
      await turns();
      controller.abort(reason);
      expect(await failed).toBe(reason);
    }
  });

  test("an abort after the last byte changes nothing", async () => {
    const net = new FakeNet();
    const controller = new AbortController();
    const response = await net.session().get(URL_A, { signal: controller.signal });
    expect(listeners(controller.signal)).toBe(0);
    controller.abort();
    expect(await response.text()).toBe("ok");
    expect(net.open).toBe(1);
  });
});

test("during an upload an abort stops the source and closes the connection", async () => {
  let released = false;
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) {
        yield "x";
        await turns(1);
      }
    } finally {
      released = true;
    }
  }
  const net = new FakeNet();
  const controller = new AbortController();
  const failed = rejection(net.session().put(URL_A, { body: endless(), signal: controller.signal }));
  await turns();
  controller.abort();
  expect((await failed).name).toBe("AbortError");
  await turns();
  expect([released, net.open]).toEqual([true, 0]);
});

test("a signal that is aborted already lets nothing be sent", async () => {
  const net = new FakeNet();
  const reason = new Error("too late");
  const session = net.session();
  expect(await rejection(session.get(URL_A, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  expect(await rejection(session.get(URL_A, { signal: AbortSignal.abort(reason) }).text())).toBe(reason);
  expect(net.connections).toEqual([]);
  expect(session.toJSON()["running"]).toBe(0);
});

test("an abort between the call and its microtask is seen", async () => {
  const net = new FakeNet();
  const controller = new AbortController();
  const request = net.session().get(URL_A, { signal: controller.signal });
  controller.abort();
  expect((await rejection(request)).name).toBe("AbortError");
  expect(net.connections).toEqual([]);
});

test("AbortSignal.timeout works as a signal like any other", async () => {
  const net = new FakeNet(() => undefined);
  const error = await rejection(net.session().get(URL_A, { signal: AbortSignal.timeout(5) }));
  expect(error.name).toBe("TimeoutError");
});

test("a wait for a retry or a throttle ends with the reason", async () => {
  const reason = new Error("stop");
  for (const options of [{ retry: 5 }, { throttle: { requests: 1, per: 1_000_000 } }]) {
    const net = new FakeNet(() => "HTTP/1.1 503 \r\ncontent-length: 0\r\nretry-after: 9\r\n\r\n");
    const session = net.session(options);
    if ("throttle" in options) await session.get(URL_A);
    const controller = new AbortController();
    const failed = rejection(session.get(URL_A, { signal: controller.signal }));
    await turns();
    const sends = net.seen.length;
    controller.abort(reason);
    expect(await failed).toBe(reason);
    expect(net.seen.length).toBe(sends);
    expect(listeners(controller.signal)).toBe(0);
    expect(net.clock.armedCount).toBe(1);
  }
});

test("a middleware that waits for something of its own does not hold an abort up", async () => {
  const net = new FakeNet();
  const gate = deferred();
  const session = net.session({
    middleware: [
      async (request, next) => {
        await gate.promise;
        return next(request);
      },
    ],
  });
  const controller = new AbortController();
  const failed = rejection(session.get(URL_A, { signal: controller.signal }));
  await turns();
  const reason = new Error("stop");
  controller.abort(reason);
  expect(await failed).toBe(reason);
  gate.resolve();
  await turns();
  expect(net.connections).toEqual([]);
});

test("a thousand requests on one signal leave no listener on it, whatever became of them", async () => {
  const net = new FakeNet(({ target, connection }) => {
    const which = Number(target.slice(1)) % 4;
    if (which === 0) return ok("fine");
    if (which === 1) connection.reset();
    if (which === 2) return "garbage\r\n\r\n";
    return undefined;
  });
  const controller = new AbortController();
  const session = net.session();
  const asked = Array.from({ length: 1_000 }, (_, at) =>
    session
      .get(`http://a.test/${at}`, { signal: controller.signal })
      .text()
      .catch(() => undefined),
  );
  await turns(20);
  expect(listeners(controller.signal)).toBe(1);
  controller.abort();
  await Promise.all(asked);
  expect(listeners(controller.signal)).toBe(0);
  expect(session.toJSON()["running"]).toBe(0);
});

// Whatever the socket does.

/** What the newest connection's peer does when it has the request: sends this, and then? */
const DEEDS: [name: string, sends: string, then: "end" | "reset" | "stay"][] = [
  ["closes", "", "end"],
  ["resets", "", "reset"],
  ["answers garbage", "\0\0\0", "stay"],
  ["closes within the head", "HTTP/1.1 2", "end"],
  ["closes within the body", `${HEAD_OF_TEN}x`, "end"],
  ["resets within the body", `${HEAD_OF_TEN}x`, "reset"],
  ["sends broken chunks", "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\nzz", "stay"],
  ["sends broken gzip", "HTTP/1.1 200 \r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope", "stay"],
];

describe.each(DEEDS)("when the peer %s", (_name, sends, then) => {
  test("no rejection is left unhandled, however the request is consumed", async () => {
    const ways: ((net: FakeNet) => PromiseLike<unknown>)[] = [
      (net) => net.session().get(URL_A),
      (net) => net.session().get(URL_A).text(),
      (net) => net.session().get(URL_A).json(),
      (net) =>
        net
          .session({ retry: { attempts: 2, baseDelay: 0 } })
          .post(URL_A)
          .text(),
      (net) => net.session({ middleware: [(request, next) => next(request)] }).get(URL_A),
      (net) => net.session({ auth: { bearer: "t" } }).post(URL_A, { body: ["x"] }),
      (net) => net.session().get(URL_A).lines().next(),
      (net) => Promise.race([net.session().get(URL_A), turns(3)]),
      (net) =>
        net
          .session()
          .get(URL_A)
          .then((response) => response.discard()),
      (net) =>
        net
          .session()
          .get(URL_A)
          .then(() => turns(3)),
    ];
    for (const way of ways) {
      const net = new FakeNet(({ connection }) => {
        connection.send(sends);
        if (then === "end") connection.end();
        if (then === "reset") connection.reset();
        return undefined;
      });
      await Promise.resolve(way(net)).catch(() => undefined);
      await turns();
      expect(unhandled).toEqual([]);
    }
  });
});

test("a request nobody awaits that fails is an unhandled rejection, as any promise's would be", async () => {
  const caught: unknown[] = [];
  const before = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => caught.push(reason));
  const net = new FakeNet(({ connection }) => {
    connection.end();
    return undefined;
  });
  void net.session().get(URL_A);
  await turns(10);
  process.removeAllListeners("unhandledRejection");
  for (const listener of before) process.on("unhandledRejection", listener);
  expect(caught.length).toBe(1);
});
