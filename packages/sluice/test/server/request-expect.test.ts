/** `Expect: 100-continue` seen from the wire: what a handler does with the body decides what the client is told (RFC 9110 §10.1.1). */
import { afterEach, describe, expect, test } from "vitest";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import type { Server } from "../../src/server/server.js";
import { RawClient } from "./raw-client.js";

const HEAD = "Host: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n";

describe("a client that waits for 100 (Continue)", () => {
  let server: Server | undefined;
  afterEach(async () => {
    await server?.close({ grace: 0 });
  });

  async function serve(): Promise<RawClient> {
    const app = new Application({ onError: () => undefined, maxBodySize: 100 });
    app.post("/read", async (request) => request.text());
    app.post("/parts", async (request) => {
      let parts = 0;
      for await (const _part of request.multipart()) parts += 1;
      return String(parts);
    });
    app.post("/refuse", () => {
      throw new HttpError(401, "Who are you", { headers: { "WWW-Authenticate": "Basic" } });
    });
    app.post("/judge", async (request) => {
      if (!request.is("json")) throw new HttpError(415);
      return request.json();
    });
    app.get("/", () => "next");
    server = await app.listen({ port: 0, host: "127.0.0.1" });
    return RawClient.to(server);
  }

  test("gets it when the handler begins to read, not before, and the connection goes on", async () => {
    const client = await serve();
    client.send(`POST /read HTTP/1.1\r\n${HEAD}\r\n`);
    expect(await client.untilReceived("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("helloGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const received = await client.untilReceived("next");
    expect(received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*hello.*HTTP\/1\.1 200 OK/s);
    expect(received).not.toMatch(/connection: close/i);
  });

  test("gets it when the first part is asked for", async () => {
    const client = await serve();
    const body = "--b\r\n\r\nx\r\n--b--";
    const head = `Host: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n`;
    client.send(`POST /parts HTTP/1.1\r\n${head}\r\n`);
    expect(await client.untilReceived("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.send(body);
    expect(await client.untilReceived("\r\n\r\n1")).toContain("200 OK");
  });

  test.each([
    ["is refused by its head", `POST /refuse HTTP/1.1\r\n${HEAD}\r\n`, 401],
    ["is refused by what it declares", `POST /judge HTTP/1.1\r\nContent-Type: text/plain\r\n${HEAD}\r\n`, 415],
    ["declares too much", "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n", 413],
    ["has a coding that is not known", `POST /read HTTP/1.1\r\nContent-Encoding: x\r\n${HEAD}\r\n`, 415],
    ["has no form to give", `POST /parts HTTP/1.1\r\n${HEAD}\r\n`, 415],
  ])(
    "%s: gets the answer alone, and the connection ends, as it may send the body or not",
    async (_why, head, status) => {
      const client = await serve();
      client.send(head);
      const received = await client.untilClosed();
      expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\nConnection: close\\r\\n`, "is"));
      expect(received).not.toContain("100 Continue");
    },
  );

  test("expects something else: 417, and the handler is not asked", async () => {
    const client = await serve();
    client.send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: a-miracle\r\n\r\n");
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 417 /);
  });

  test("is not told to go on when it already has", async () => {
    const client = await serve();
    client.send(`POST /read HTTP/1.1\r\n${HEAD}\r\nhello`);
    const received = await client.untilReceived("hello");
    expect(received).toMatch(/^HTTP\/1\.1 200 OK/);
  });
});
