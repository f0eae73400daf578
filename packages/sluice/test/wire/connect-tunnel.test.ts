import { expect, test } from "vitest";
import { ProxyError, UsageError } from "../../src/errors.js";
import { HTTP1_RESPONSE_LIMITS, resolveHttp1Limits } from "../../src/http1/limits.js";
import { ScriptedTransport, type ScriptStep } from "../../src/net/scripted.js";
import { type ConnectRequest, connectTunnel } from "../../src/wire/connect-tunnel.js";

const REQUEST: ConnectRequest = {
  authority: "origin.example:443",
  fields: ["proxy-authorization", "Basic c2VjcmV0"],
  label: "http://proxy.example:3128",
  limits: HTTP1_RESPONSE_LIMITS,
};

interface Outcome {
  readonly transport: ScriptedTransport;
  /** The rest as latin1, or the error; empty before the end. */
  readonly ends: (string | Error)[];
}

/** Asks for a tunnel, and plays the proxy's part. */
function ask(script: readonly ScriptStep[], request: Partial<ConnectRequest> = {}, lends = true): Outcome {
  const transport = new ScriptedTransport({ lends });
  const ends: (string | Error)[] = [];
  connectTunnel({ ...REQUEST, ...request })(transport, (error, rest) => {
    ends.push(error ?? Buffer.from(rest).toString("latin1"));
  });
  transport.feed(...script);
  transport.flush();
  return { transport, ends };
}

function failure(script: readonly ScriptStep[], request: Partial<ConnectRequest> = {}): ProxyError {
  const { ends } = ask(script, request);
  expect(ends.length).toBe(1);
  expect(ends[0]).toBeInstanceOf(ProxyError);
  return ends[0] as ProxyError;
}

test("asks in authority-form, with the proxy's own fields and no others (RFC 9112 §3.2.3)", () => {
  expect(ask([]).transport.writes.map((piece) => Buffer.from(piece).toString())).toEqual([
    "CONNECT origin.example:443 HTTP/1.1\r\nhost: origin.example:443\r\nproxy-authorization: Basic c2VjcmV0\r\n\r\n",
  ]);
});

test.each(["200 Connection established", "200 ", "201 Created", "299 Fine"])("%s opens the tunnel", (status) => {
  for (const version of ["1.0", "1.1"]) expect(ask([`HTTP/${version} ${status}\r\n\r\n`]).ends).toEqual([""]);
});

test("what follows the empty line is the target's, however the bytes are cut, and whatever the fields say", () => {
  // RFC 9110 §9.3.6: a client ignores Content-Length and Transfer-Encoding here.
  const wire =
    "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\x16\x03rest";
  for (const lends of [true, false]) {
    for (let cut = 0; cut <= wire.length; cut += 1) {
      const { ends, transport } = ask(
        [wire.slice(0, cut), wire.slice(cut)].filter((piece) => piece !== ""),
        {},
        lends,
      );
      // What comes once the tunnel is open waits for whoever speaks through it.
      const tunnelAt = wire.indexOf("\x16");
      expect(ends, `cut at ${cut}`).toEqual([wire.slice(tunnelAt, cut < tunnelAt ? wire.length : cut)]);
      expect(transport.paused).toBe(true);
    }
  }
});

test("a refusal says what the proxy said: status, reason, and its own explanation (RFC 9209)", () => {
  const error = failure([
    "HTTP/1.1 502 Bad Gateway\r\nProxy-Status: proxy.example; error=dns_error\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\nX: y\r\n\r\n",
  ]);
  expect(error).toMatchObject({ code: "proxy/refused", status: 502, phase: "connect" });
  expect(error.message).toBe(
    "Cannot open a tunnel to origin.example:443: the proxy http://proxy.example:3128 answered 502 Bad Gateway, " +
      "Proxy-Status: proxy.example; error=dns_error, X-Squid-Error: ERR_DNS_FAIL 0",
  );
});

test("a refusal without a reason, and one with a long and a strange one", () => {
  expect(failure(["HTTP/1.1 403\r\n\r\n"]).message).toMatch(/ answered 403$/);
  const { message } = failure([`HTTP/1.1 403 \xe9${"a".repeat(500)}\r\n\r\n`]);
  expect(message).toMatch(/ answered 403 \?a+…$/);
  expect(message.length).toBeLessThan(320);
});

test("a refusal's body is not waited for, nor does it matter", () => {
  expect(failure(["HTTP/1.1 403 No\r\nContent-Length: 1000000\r\n\r\n<html>"]).code).toBe("proxy/refused");
  expect(failure(["HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\nno chunk at all\r\n"]).code).toBe(
    "proxy/refused",
  );
  expect(failure(["HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n"])).toMatchObject({ status: 302 });
});

test("407 asks for credentials, and says of which kind (RFC 9110 §15.5.8)", () => {
  const error = failure([
    'HTTP/1.1 407 Nope\r\nProxy-Authenticate: Digest nonce="n"\r\nProxy-Authenticate: Basic realm="r"\r\n\r\n',
  ]);
  expect(error).toMatchObject({ code: "proxy/authentication-required", status: 407 });
  expect(error.message).toBe(
    "The proxy http://proxy.example:3128 wants credentials (Digest, Basic), or refuses those it got: see proxy.username and password",
  );
  expect(failure(["HTTP/1.1 407 Nope\r\n\r\n"]).message).toContain("wants credentials, or refuses");
});

test.each([
  ["no HTTP", "SSH-2.0-OpenSSH\r\n"],
  ["a broken head", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"],
  ["an upgrade nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
])("%s is a bad answer", (_what, wire) => {
  expect(failure([wire])).toMatchObject({ code: "proxy/bad-answer" });
});

test("the head may be as large as the limits say, and no larger", () => {
  const limits = resolveHttp1Limits({ maxHeadBytes: 100, maxInterimResponses: 1 }, HTTP1_RESPONSE_LIMITS);
  const head = (bytes: number): string => {
    const frame = "HTTP/1.1 200 OK\r\nx: \r\n\r\n";
    return frame.replace("x: ", `x: ${"v".repeat(bytes - frame.length)}`);
  };
  expect(ask([head(100)], { limits }).ends).toEqual([""]);
  expect(failure([head(101)], { limits }).message).toContain("limit of 100 bytes");
  const interim = "HTTP/1.1 100 Go\r\n\r\n";
  expect(failure([interim, interim], { limits })).toMatchObject({ code: "proxy/bad-answer" });
});

test("a proxy that closes or breaks the connection is closed, whenever it does", () => {
  const error = failure([{ end: true }]);
  expect(error).toMatchObject({ code: "proxy/closed" });
  expect(error.message).toContain("it closed the connection without an answer");
  expect(failure(["HTTP/1.1 20", { end: true }]).code).toBe("proxy/closed");
  expect(failure([{ error: new Error("read ECONNRESET") }]).message).toContain("read ECONNRESET");
});

test("nobody is told anything after a cancel, and nobody is told twice", () => {
  const transport = new ScriptedTransport();
  const ends: unknown[] = [];
  const opening = connectTunnel(REQUEST)(transport, (error) => ends.push(error));
  opening.cancel();
  transport.feed("HTTP/1.1 200 OK\r\n\r\n", { end: true });
  transport.flush();
  expect(ends).toEqual([]);
  expect(ask(["HTTP/1.1 200 OK\r\n\r\n", { end: true }, { error: new Error("late") }]).ends).toEqual([""]);
});

test("credentials are in no message, and fields that cannot be sent are the caller's mistake", () => {
  for (const wire of ["HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 403 No\r\n\r\n", "nonsense\r\n"]) {
    expect(failure([wire]).message).not.toContain("c2VjcmV0");
  }
  expect(() => connectTunnel({ ...REQUEST, fields: ["x", "a\r\nb: c"] })).toThrow(UsageError);
});
