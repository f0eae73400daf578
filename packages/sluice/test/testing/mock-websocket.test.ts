/** WebSockets of code under test: against a mock's conversations, and against an application over a simulated network. */
import { describe, expect, test } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { ReconnectingWebSocket } from "../../src/client/websocket/reconnecting-websocket.js";
import { UsageError } from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import { MockConnector } from "../../src/testing/mock/mock-connector.js";
import { SimulatedNetwork } from "../../src/testing/simulation/simulated-network.js";
import { closeAfter, rejection, turns } from "../client/fake-net.js";

function mocked() {
  const mock = closeAfter(new MockConnector());
  return { mock, session: closeAfter(new ClientSession({ connector: mock })) };
}

describe("MockRoute.websocket", () => {
  test("takes the handshake and plays the server's part; its end closes with 1000", async () => {
    const { mock, session } = mocked();
    mock.get("wss://feed.test/prices".replace("wss", "https")).websocket(
      async (socket, request) => {
        await socket.send(`you are ${request.headers.get("x-name")}`);
        await socket.send(`you said ${await socket.receive()}`);
      },
      { protocol: "v1" },
    );
    const socket = await session.websocket("wss://feed.test/prices", { protocols: "v1", headers: { "x-name": "Ada" } });
    expect(socket.protocol).toBe("v1");
    await socket.send("hi");
    const messages: unknown[] = [];
    for await (const message of socket) messages.push(message);
    expect(messages).toEqual(["you are Ada", "you said hi"]);
    expect(await socket.closed).toMatchObject({ code: 1000, wasClean: true });
    mock.assertDone();
  });

  test("what it throws closes with 1011, and is told by assertDone", async () => {
    const { mock, session } = mocked();
    mock.get("http://a.test/").websocket(() => {
      throw new Error("not as expected");
    });
    const socket = await session.websocket("ws://a.test/");
    expect(await socket.closed).toMatchObject({ code: 1011 });
    expect(() => mock.assertDone()).toThrow("not as expected");
  });

  test("faults before it: a program that reconnects is tried out without waiting", async () => {
    const { mock, session } = mocked();
    const route = mock.get("http://a.test/");
    route
      .websocket((socket) => socket.terminate())
      .reply(503)
      .websocket((socket) => socket.send("back"));
    const live = new ReconnectingWebSocket(session, "ws://a.test/", { reconnect: { delay: 0 } });
    const messages: unknown[] = [];
    for await (const message of live) messages.push(message);
    expect(messages).toEqual(["back"]);
    expect(mock.calls).toHaveLength(3);
  });

  test("a request that is no handshake fails", async () => {
    const { mock, session } = mocked();
    mock.get("http://a.test/").websocket(() => undefined);
    expect((await rejection(session.get("http://a.test/"))).code).toBe("mock/reply-failed");
  });

  test("a handshake may be answered by anything else", async () => {
    const { mock, session } = mocked();
    mock.get("http://a.test/").reply(401, { text: "who?" });
    expect(await rejection(session.websocket("ws://a.test/"))).toMatchObject({
      code: "websocket/refused",
      status: 401,
    });
  });

  test("closing the mock ends its sockets", async () => {
    const { mock, session } = mocked();
    let closed: unknown;
    mock.get("http://a.test/").websocket(async (socket) => {
      closed = await socket.closed;
    });
    await session.websocket("ws://a.test/");
    await mock.close();
    await turns();
    expect(closed).toMatchObject({ code: 1001 });
  });

  test("what is no function is refused", () => {
    const { mock } = mocked();
    expect(() => mock.get("http://a.test/").websocket("no" as unknown as () => void)).toThrow(UsageError);
  });
});

describe("SimulatedNetwork", () => {
  /** Counts up from where the client says that it is. */
  function counter(): Application {
    const app = new Application();
    app.websocket("/count", async (socket) => {
      const from = Number(await socket.receive());
      for (let number = from; number < 200; number += 1) await socket.send(String(number));
      await socket.close(1000);
    });
    return app;
  }

  test("carries WebSockets, whatever it does to the bytes", async () => {
    await using net = new SimulatedNetwork({ seed: 7, latency: [5, 60], splits: 0.4 });
    await net.listen(counter(), "http://a.example");
    await using session = new ClientSession({ connector: net.connector() });
    const seen = await net.run(async () => {
      const socket = await session.websocket("ws://a.example/count");
      await socket.send("0");
      const messages: unknown[] = [];
      for await (const message of socket) messages.push(message);
      return messages;
    });
    expect(seen).toEqual(Array.from({ length: 200 }, (_, number) => String(number)));
  });

  test.each([1, 2, 3])("a socket that reconnects gets to the end through resets (seed %i)", async (seed) => {
    await using net = new SimulatedNetwork({ seed, latency: [5, 60], splits: 0.2, resets: 0.03, refusals: 0.2 });
    await net.listen(counter(), "http://a.example");
    await using session = new ClientSession({ connector: net.connector() });
    const seen = await net.run(async () => {
      let next = 0;
      const live = new ReconnectingWebSocket(session, "ws://a.example/count", {
        reconnect: { beforeOpen: true },
        onOpen: (socket) => socket.send(String(next)),
      });
      const numbers: number[] = [];
      for await (const message of live) {
        // What had arrived when a connection broke is read before the next one's, which may begin before it.
        if (Number(message) < next) continue;
        numbers.push(Number(message));
        next = Number(message) + 1;
      }
      return numbers;
    });
    expect(seen).toEqual(Array.from({ length: 200 }, (_, number) => number));
  });
});
