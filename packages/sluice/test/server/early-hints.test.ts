import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { formatLink, type LinkToSend } from "../../src/http/format-link.js";
import { parseLinks } from "../../src/http/link.js";
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";
import { testClient } from "../../src/testing/server/test-client.js";
import { TestServer } from "../../src/testing/server/test-server.js";
import { RawClient } from "./raw-client.js";

function hinting(): Application {
  const app = new Application();
  app.get("/", async (request) => {
    request.earlyHints(
      { target: "/style.css", rel: "preload", as: "style" },
      { target: "https://cdn.example.com", rel: "preconnect", crossorigin: "anonymous" },
      "</raw>; rel=next",
    );
    await pause(5);
    return reply.html("<p>done");
  });
  return app;
}

const LINKS =
  "</style.css>; rel=preload; as=style, <https://cdn.example.com>; rel=preconnect; crossorigin=anonymous, </raw>; rel=next";

describe("early hints", () => {
  test("are a 103 with links, before the answer", async () => {
    await using server = await TestServer.start(hinting());
    const client = await RawClient.to(server.server);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.untilReceived("\r\n\r\n");
    expect(client.received).toBe(`HTTP/1.1 103 Early Hints\r\nLink: ${LINKS}\r\n\r\n`);
    expect(await client.untilReceived("<p>done")).toContain("HTTP/1.1 200 OK\r\n");
    client.socket.destroy();
  });

  test("are not sent to HTTP/1.0, and nothing is sent for no links", async () => {
    await using server = await TestServer.start(hinting());
    const client = await RawClient.to(server.server);
    client.send("GET / HTTP/1.0\r\n\r\n");
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const app = new Application();
    app.get("/", (request) => {
      request.earlyHints();
      return "none";
    });
    const statuses: number[] = [];
    await using asking = testClient(app, { trace: { informational: ({ status }) => void statuses.push(status) } });
    expect(await asking.get("/").text()).toBe("none");
    expect(statuses).toEqual([]);
  });

  test("are seen by our own client", async () => {
    const statuses: number[] = [];
    await using client = testClient(hinting(), {
      trace: { informational: ({ status }) => void statuses.push(status) },
    });
    expect(await client.get("/").text()).toBe("<p>done");
    expect(statuses).toEqual([103]);
  });

  test("are seen by curl", async () => {
    await using server = await TestServer.start(hinting());
    const output = await new Promise<string | undefined>((resolve, reject) => {
      execFile("curl", ["-sS", "-i", "--http1.1", `${server.url}/`], (error, out) => {
        if (error === null) resolve(out);
        else if (error.code === "ENOENT" && process.env["CI"] !== "true") resolve(undefined);
        else reject(error);
      });
    });
    if (output === undefined) return;
    expect(output).toMatch(/^HTTP\/1\.1 103 Early Hints\r\n/);
    expect(output).toContain(`Link: ${LINKS}\r\n`);
    expect(output).toMatch(/HTTP\/1\.1 200 OK[\s\S]*<p>done$/);
  });

  test("after the answer change nothing", async () => {
    const app = new Application();
    app.get("/", (request) => {
      setImmediate(() => request.earlyHints({ target: "/late", rel: "preload" }));
      return "done";
    });
    await using client = testClient(app);
    expect(await client.get("/").text()).toBe("done");
  });
});

describe("a link", () => {
  test.each<[LinkToSend, string]>([
    [{ target: "/a b?ü=<1>", rel: "next" }, "</a%20b?%C3%BC=%3C1%3E>; rel=next"],
    [{ target: new URL("https://example.com/x"), rel: "prev" }, "<https://example.com/x>; rel=prev"],
    [{ target: "", rel: "self canonical" }, '<>; rel="self canonical"'],
    [
      { target: "/x", rel: "icon", title: 'say "hi" \\', type: "image/png" },
      '</x>; rel=icon; title="say \\"hi\\" \\\\"; type="image/png"',
    ],
    [{ target: "/x", rel: "preload", as: undefined, fetchpriority: "high" }, "</x>; rel=preload; fetchpriority=high"],
  ])("%j is %s, and is read as it was", (link, text) => {
    expect(formatLink(link)).toBe(text);
    const [read] = parseLinks(text, new URL("https://example.com/base"));
    expect(read?.rel).toEqual(link.rel.split(" "));
    if (link["title"] !== undefined) expect(read?.title).toBe(link["title"]);
  });

  test.each([
    [{ target: "/a\r\nX: y", rel: "next" }],
    [{ target: "/a", rel: "" }],
    [{ target: "/a" } as unknown as LinkToSend],
    [{ target: "/a", rel: "next", "bad name": "x" }],
    [{ target: "/a", rel: "next", title: "line\nend" }],
    [{ target: "/a", rel: "next", title: "\u{1f600}" }],
  ])("%j is refused", (link) => {
    expect(() => formatLink(link)).toThrow(expect.objectContaining({ code: "headers/link-invalid" }));
  });
});
