/** WebSockets of an application under test: through `testClient` in memory, through a `TestServer` on a port. */
import { describe, expect, test } from "vitest";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import { testClient } from "../../src/testing/server/test-client.js";
import { TestServer } from "../../src/testing/server/test-server.js";

function chat(): Application {
  const app = new Application();
  app.websocket("/echo", { protocols: ["v1"], compress: true }, async (socket) => {
    for await (const message of socket) await socket.send(message);
  });
  app.websocket("/who", (socket, request) => socket.sendJson([request.remoteAddress, request.protocol, request.host]));
  app.websocket("/throws", () => {
    throw new Error("the handler broke");
  });
  const upgrade = (): void => {
    throw new HttpError(401, "Who are you?");
  };
  app.websocket("/guarded", { upgrade }, () => undefined);
  return app;
}

describe("testClient", () => {
  test("opens a socket in memory, by a path, and everything is as it is on a wire", async () => {
    await using client = testClient(chat());
    const socket = await client.websocket("/echo", { protocols: ["v2", "v1"] });
    expect(socket.protocol).toBe("v1");
    await socket.send("hello");
    await socket.send(Buffer.alloc(200_000, "large "));
    expect(await socket.receive()).toBe("hello");
    expect((await socket.receive()).length).toBe(200_000);
    await socket.close(3000, "bye");
    expect(await socket.closed).toEqual({ code: 3000, reason: expect.any(String), wasClean: true });
  });

  test("says to the application who asks, and how securely", async () => {
    await using client = testClient(chat(), { baseUrl: "https://example.com/", remoteAddress: "192.0.2.7" });
    const socket = await client.websocket("/who");
    expect(await socket.receiveJson()).toEqual(["192.0.2.7", "https", "example.com"]);
    await socket.closed;
  });

  test("is refused as the application refuses", async () => {
    await using client = testClient(chat());
    await expect(client.websocket("/guarded")).rejects.toMatchObject({ code: "websocket/refused", status: 401 });
    await expect(client.websocket("/nowhere")).rejects.toMatchObject({ status: 404 });
  });

  test("fails the test with what a handler threw", async () => {
    const client = testClient(chat());
    const socket = await client.websocket("/throws");
    expect((await socket.closed).code).toBe(1011);
    expect(client.errors).toMatchObject([{ request: "GET /throws", error: { message: "the handler broke" } }]);
    await expect(client.close()).rejects.toThrow(/GET \/throws failed: the handler broke/);
  });

  test("ends sockets that are still open, and names a handler that does not end", async () => {
    const client = testClient(chat());
    const socket = await client.websocket("/echo");
    await client.close();
    await socket.closed;
    const stuck = new Application().websocket("/stuck", () => new Promise(() => undefined));
    const left = testClient(stuck, { grace: 20 });
    await left.websocket("/stuck");
    await expect(left.close()).rejects.toThrow(/without an answer: GET \/stuck/);
  });
});

describe("TestServer", () => {
  test.each([false, true])("its client opens sockets; TLS: %s", async (tls) => {
    await using server = await TestServer.start(chat(), { tls });
    const socket = await server.client.websocket("/echo");
    await socket.send("hello");
    expect(await socket.receive()).toBe("hello");
    expect(server.server.connections.upgraded).toBe(1);
    await socket.close();
  });
});
