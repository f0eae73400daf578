import { expect, test } from "vitest";
import type { TrailersInput } from "../../src/client/options.js";
import { isForbiddenTrailer } from "../../src/http/trailer-fields.js";
import { answer, FakeNet, ok, redirect, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";

async function* pieces(...all: string[]): AsyncGenerator<string> {
  yield* all;
}

/** Everything that a request is on the wire, but its usual fields. */
async function wireOf(
  trailers: TrailersInput,
  body: unknown = pieces("abc"),
): Promise<{ announced?: string; end: string }> {
  let received = "";
  const net = new FakeNet(() => ok("ok"));
  net.connected = (connection) => {
    const take = connection.onData.bind(connection);
    connection.onData = (bytes) => {
      received += Buffer.from(bytes).toString("latin1");
      // The fake server knows no trailers.
      if (received.endsWith("\r\n\r\n") && received.includes("\r\n0\r\n")) connection.send(ok("ok"));
      else connection.bytesReceived += 0;
      void take;
    };
  };
  await net.session().post(URL_A, { body: body as never, trailers });
  const announced = /^trailer: (.*)$/m.exec(received)?.[1];
  const end = received.slice(received.indexOf("\r\n\r\n") + 4);
  expect(received).toContain("transfer-encoding: chunked");
  expect(received).not.toContain("content-length");
  return { ...(announced === undefined ? {} : { announced }), end };
}

test("fields come behind the last chunk and are announced in the head (RFC 9110 §6.6.2)", async () => {
  expect(await wireOf({ "X-Sum": "1", "x-more": "2" })).toEqual({
    announced: "X-Sum, x-more",
    end: "3\r\nabc\r\n0\r\nX-Sum: 1\r\nx-more: 2\r\n\r\n",
  });
});

test("values that are functions are called when the body is over, promises waited for", async () => {
  let bytes = 0;
  async function* counted(): AsyncGenerator<string> {
    for (const piece of ["ab", "cde"]) {
      bytes += piece.length;
      yield piece;
    }
  }
  const wire = await wireOf(
    { "x-bytes": () => String(bytes), "x-late": async () => "soon", "x-fixed": "f" },
    counted(),
  );
  expect(wire.announced).toBe("x-bytes, x-late, x-fixed");
  expect(wire.end.endsWith("0\r\nx-bytes: 5\r\nx-late: soon\r\nx-fixed: f\r\n\r\n")).toBe(true);
});

test("a function gives all of them, unannounced; none is an end like any other", async () => {
  expect(await wireOf(() => ({ "x-a": ["1", "2"] }))).toEqual({ end: "3\r\nabc\r\n0\r\nx-a: 1\r\nx-a: 2\r\n\r\n" });
  expect(await wireOf(async () => [["x-b", "3"]])).toEqual({ end: "3\r\nabc\r\n0\r\nx-b: 3\r\n\r\n" });
  expect(await wireOf(() => ({}))).toEqual({ end: "3\r\nabc\r\n0\r\n\r\n" });
});

test("a body of known length is sent in chunks where trailers follow it", async () => {
  expect((await wireOf({ "x-a": "1" }, "text")).end).toBe("4\r\ntext\r\n0\r\nx-a: 1\r\n\r\n");
  expect((await wireOf({ "x-a": "1" }, "")).end).toBe("0\r\nx-a: 1\r\n\r\n");
});

test("fields that frame, route, authenticate or describe are refused, before anything is sent where their names are known", async () => {
  const forbidden = [
    "Content-Length",
    "transfer-encoding",
    "Host",
    "TE",
    "trailer",
    "Authorization",
    "cookie",
    "Set-Cookie",
  ];
  const more = [
    "content-encoding",
    "Content-Type",
    "Content-Range",
    "Cache-Control",
    "Expect",
    "If-Match",
    "Range",
    "Date",
    "Age",
  ];
  for (const name of [...forbidden, ...more]) {
    expect(isForbiddenTrailer(name), name).toBe(true);
    const net = new FakeNet();
    const session = net.session();
    expect((await rejection(session.post(URL_A, { body: "x", trailers: { [name]: "1" } }))).code, name).toBe(
      "http1/trailer-forbidden",
    );
    expect(net.connections).toEqual([]);
    const late = rejection(session.post(URL_A, { body: "x", trailers: () => ({ [name]: "1" }) }));
    expect((await late).code, name).toBe("http1/trailer-forbidden");
    await turns();
    expect(net.open).toBe(0);
  }
  expect(["x-checksum", "etag", "server-timing", "content-digest"].some(isForbiddenTrailer)).toBe(false);
});

test("a name or value with a line break never reaches the wire", async () => {
  for (const evil of ["a\r\nx-evil: 1", "a\0", "\u{1f600}"]) {
    const net = new FakeNet();
    const session = net.session();
    for (const trailers of [
      { "x-a": evil },
      { [`x${evil}`]: "1" },
      { "x-a": () => evil },
      () => ({ "x-a": evil }),
      () => ({ [`x${evil}`]: "1" }),
    ] as TrailersInput[]) {
      const error = await rejection(session.post(URL_A, { body: "x", trailers }));
      expect(error.code).toMatch(/^http1\/field-(name|value)-invalid$/);
    }
    expect(net.seen).toEqual([]);
  }
});

test("a function that fails, or gives no text, fails the request and costs the connection", async () => {
  const broken = new Error("no sum");
  const net = new FakeNet();
  const session = net.session();
  const fail = () => {
    throw broken;
  };
  expect(await rejection(session.post(URL_A, { body: "x", trailers: { "x-a": fail } }))).toBe(broken);
  expect(await rejection(session.post(URL_A, { body: "x", trailers: fail }))).toBe(broken);
  expect((await rejection(session.post(URL_A, { body: "x", trailers: { "x-a": () => 5 as never } }))).code).toBe(
    "headers/value-invalid",
  );
  await turns();
  expect(net.open).toBe(0);
});

test("trailers are made for each send, and left behind where a redirect takes the body away", async () => {
  let made = 0;
  const ends: string[] = [];
  const net = new FakeNet();
  net.connected = (connection) => {
    let received = "";
    connection.onData = (bytes) => {
      received += Buffer.from(bytes).toString("latin1");
      if (!received.endsWith("\r\n\r\n")) return;
      ends.push(received.slice(received.lastIndexOf("0\r\n")));
      const to = [redirect(307, "/y"), redirect(303, "/z"), ok("end")][ends.length - 1] ?? answer(500);
      const last = /^GET/.test(received) || received.includes("\r\n0\r\n");
      received = "";
      if (last) connection.send(to);
    };
  };
  const trailers = { "x-n": () => String(++made) };
  expect(await net.session().put(URL_A, { body: "b", trailers }).text()).toBe("end");
  expect(made).toBe(2);
  expect(ends.slice(0, 2)).toEqual(["0\r\nx-n: 1\r\n\r\n", "0\r\nx-n: 2\r\n\r\n"]);
});

test("trailers without a body are refused, and the Trailer field is not the caller's to set", async () => {
  const session = new FakeNet().session();
  expect((await rejection(session.get(URL_A, { trailers: { "x-a": "1" } }))).code).toBe("options/conflict");
  expect((await rejection(session.post(URL_A, { body: "x", headers: { trailer: "x-a" } }))).code).toBe(
    "request/refused-field",
  );
  expect((await rejection(session.post(URL_A, { body: "x", trailers: 5 as never }))).code).toBe(
    "options/unknown-value",
  );
});

// Received.

test("response.trailers is there when the body has ended, and not before; the head's fields stay as they are", async () => {
  const net = new FakeNet(({ connection }) => {
    connection.send("HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n");
    return undefined;
  });
  const response = await net.session().get(URL_A);
  expect(response.trailers).toBeUndefined();
  net.connections[0]?.send("0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n");
  expect(await response.text()).toBe("abc");
  expect(response.trailers?.get("x-sum")).toBe("1, 2");
  expect(response.headers.has("x-sum")).toBe(false);
  expect(() => response.trailers?.set("a", "b")).toThrow(expect.objectContaining({ code: "headers/immutable" }));
});

test("without trailers there are none: of a length, of chunks, of nothing; a body that broke off has not got to them", async () => {
  for (const wire of [
    ok("x"),
    "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 204 \r\n\r\n",
  ]) {
    const response = await new FakeNet(() => wire).session().get(URL_A);
    await response.bytes();
    expect([...(response.trailers ?? ["missing"])]).toEqual([]);
  }
  const net = new FakeNet(({ connection }) => {
    connection.send("HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n3\r\nab");
    connection.end();
    return undefined;
  });
  const response = await net.session().get(URL_A);
  await rejection(response.text());
  expect(response.trailers).toBeUndefined();
});

test("trailers outlive a body that middleware has read, and a compressed one", async () => {
  const { gzipSync } = await import("node:zlib");
  const coded = gzipSync("plain");
  const wire = (fields: string, body: Uint8Array): Uint8Array =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n${fields}\r\n${body.byteLength.toString(16)}\r\n`),
      body,
      Buffer.from("\r\n0\r\nx-sum: 1\r\n\r\n"),
    ]);
  const net = new FakeNet(() => wire("content-encoding: gzip\r\n", coded));
  const response = await net.session().get(URL_A);
  await response.preload();
  expect([await response.text(), response.trailers?.get("x-sum")]).toEqual(["plain", "1"]);
});

test("TE: trailers may be asked for, and is named in Connection (RFC 9110 §10.1.4)", async () => {
  const net = new FakeNet();
  const session = net.session();
  await session.get(URL_A, { headers: { te: "trailers" } });
  expect([net.seen[0]?.fields.get("te"), net.seen[0]?.fields.get("connection")]).toEqual(["trailers", "te"]);
  await net.session({ headers: { TE: "trailers" } }).get(URL_A);
  expect(net.seen[1]?.fields.get("connection")).toBe("te");
  expect((await rejection(session.get(URL_A, { headers: { te: "gzip" } }))).code).toBe("request/refused-field");
});
