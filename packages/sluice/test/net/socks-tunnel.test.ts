import { inspect } from "node:util";
import { expect, test } from "vitest";
import { ProxyError } from "../../src/errors.js";
import { ScriptedTransport, type ScriptStep } from "../../src/net/scripted.js";
import { type SocksRequest, socksTunnel } from "../../src/net/socks-tunnel.js";

const REQUEST: SocksRequest = {
  version: 5,
  host: "origin.example",
  port: 443,
  credentials: undefined,
  label: "socks5h://proxy.example:1080",
  limitMs: 30_000,
};
const CREDENTIALS = { username: "ada", password: "top-secret" };

const NO_AUTH = "\x05\x00";
const WITH_PASSWORD = "\x05\x02";
const NAME = `\x05\x01\x00\x03\x0eorigin.example\x01\xbb`;
const GRANTED = "\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38";

interface Outcome {
  readonly transport: ScriptedTransport;
  readonly end: string | Error;
}

/** Asks for a tunnel; each step of the script comes when what the one before has caused is done. */
async function ask(script: readonly ScriptStep[], request: Partial<SocksRequest> = {}): Promise<Outcome> {
  const transport = new ScriptedTransport({ lends: true });
  let end: string | Error | undefined;
  socksTunnel({ ...REQUEST, ...request })(transport, (error, rest) => {
    end = error ?? Buffer.from(rest).toString("latin1");
  });
  // The library is loaded with the first of them.
  while (transport.written === "" && end === undefined) await turn();
  for (const step of script) {
    transport.feed(step);
    await turn();
  }
  while (end === undefined) await turn();
  return { transport, end };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function failure(script: readonly ScriptStep[], request: Partial<SocksRequest> = {}): Promise<ProxyError> {
  const { end } = await ask(script, request);
  expect(end).toBeInstanceOf(ProxyError);
  return end as ProxyError;
}

test("version 5 leaves the name to the proxy (RFC 1928 §4)", async () => {
  const { transport, end } = await ask([NO_AUTH, GRANTED]);
  expect([transport.written, end]).toEqual([`\x05\x01\x00${NAME}`, ""]);
});

test("version 5 with an IPv4 and an IPv6 address", async () => {
  const four = await ask([NO_AUTH, GRANTED], { host: "192.0.2.7", port: 80 });
  expect(four.transport.written).toBe("\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50");
  const six = await ask([NO_AUTH, GRANTED], { host: "2001:db8::7", port: 80 });
  expect(six.transport.written).toBe(`\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8${"\x00".repeat(11)}\x07\x00\x50`);
});

test("version 5 gives name and password when the proxy asks for them (RFC 1929)", async () => {
  const { transport, end } = await ask([WITH_PASSWORD, "\x01\x00", GRANTED], { credentials: CREDENTIALS });
  expect(transport.written).toBe(`\x05\x02\x00\x02\x01\x03ada\x0atop-secret${NAME}`);
  expect(end).toBe("");
});

test("version 4 takes an address and a user id, 4a a name", async () => {
  const four = await ask(["\x00\x5a\x00\x00\x00\x00\x00\x00"], {
    version: 4,
    host: "192.0.2.7",
    credentials: CREDENTIALS,
  });
  expect([four.transport.written, four.end]).toEqual(["\x04\x01\x01\xbb\xc0\x00\x02\x07ada\x00", ""]);
  const named = await ask(["\x00\x5a\x00\x00\x00\x00\x00\x00"], { version: 4 });
  expect(named.transport.written).toBe("\x04\x01\x01\xbb\x00\x00\x00\x01\x00origin.example\x00");
});

test("what comes behind the proxy's consent is the target's, however the bytes are cut", async () => {
  const wire = `${NO_AUTH}${GRANTED}hello, this is the target`;
  const tunnelAt = wire.indexOf("hello");
  for (let cut = 1; cut < wire.length; cut += 1) {
    const { transport, end } = await ask([wire.slice(0, cut), wire.slice(cut)]);
    expect(transport.paused, `cut at ${cut}`).toBe(true);
    // What was not read yet waits in the transport.
    const waiting: string[] = [];
    transport.attach({
      onData: (bytes) => void waiting.push(Buffer.from(bytes).toString("latin1")),
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    transport.resume();
    transport.flush();
    expect(end + waiting.join(""), `cut at ${cut}`).toBe(wire.slice(tunnelAt));
  }
});

test("byte by byte it is the same, for every kind of address in the answer", async () => {
  const answers = [GRANTED, `\x05\x00\x00\x04${"\x00".repeat(16)}\x00\x50`, "\x05\x00\x00\x03\x04name\x00\x50"];
  for (const answer of answers) {
    const { end } = await ask([...`${NO_AUTH}${answer}`]);
    expect(end).toBe("");
  }
});

test.each([
  [1, "failure"],
  [2, "not allowed"],
  [3, "network unreachable"],
  [4, "host unreachable"],
  [5, "connection refused"],
  [6, "ttlexpired"],
  [8, "address not supported"],
])("reply %i of version 5 is a refusal, in words", async (code, words) => {
  const error = await failure([NO_AUTH, `\x05${String.fromCharCode(code)}\x00\x01\x00\x00\x00\x00\x00\x00`]);
  expect(error).toMatchObject({ code: "proxy/refused", phase: "connect", status: undefined });
  expect(error.message).toBe(
    `Cannot open a tunnel to origin.example:443: the proxy socks5h://proxy.example:1080 refused: ${words}`,
  );
});

test("a refusal of version 4, and one that nobody has defined", async () => {
  expect((await failure(["\x00\x5b\x00\x00\x00\x00\x00\x00"], { version: 4 })).message).toMatch(/refused: failed$/);
  expect((await failure(["\x00\x01\x00\x00\x00\x00\x00\x00"], { version: 4 })).message).toMatch(
    /refused: unknown reply$/,
  );
});

test("a proxy that wants credentials we have not, or refuses those we have, says so without showing them", async () => {
  for (const script of [["\x05\xff"], [WITH_PASSWORD, "\x01\x01"]]) {
    const error = await failure(script, { credentials: CREDENTIALS });
    expect(error.code).toBe("proxy/authentication-required");
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain("top-secret");
  }
});

test("an answer that is no SOCKS is a bad answer", async () => {
  expect((await failure(["HTTP/1.1 400 Bad Request\r\n\r\n"])).code).toBe("proxy/bad-answer");
  expect((await failure(["\x05\x09"])).code).toBe("proxy/bad-answer");
});

test("a proxy that closes or breaks the connection is closed, at any moment", async () => {
  for (const script of [
    [{ end: true }],
    [NO_AUTH, { end: true }],
    [NO_AUTH, GRANTED.slice(0, 4), { end: true }],
  ] as const) {
    const error = await failure([...script]);
    expect(error).toMatchObject({ code: "proxy/closed" });
    expect(error.message).toContain("it closed the connection without an answer");
  }
  const reset = await failure([{ error: new Error("read ECONNRESET") }]);
  expect(reset).toMatchObject({ code: "proxy/closed", message: expect.stringContaining("read ECONNRESET") });
});

test("a name that SOCKS has no room for is refused before anything is sent", async () => {
  const { transport, end } = await ask([], { host: "h".repeat(256) });
  expect([end, transport.written]).toEqual([expect.objectContaining({ code: "proxy/closed" }), ""]);
});

test("after a cancel nobody is told anything", async () => {
  const transport = new ScriptedTransport({ script: [NO_AUTH, GRANTED] });
  const ends: unknown[] = [];
  const opening = socksTunnel(REQUEST)(transport, (error) => void ends.push(error));
  opening.cancel();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(ends).toEqual([]);
  const late = socksTunnel(REQUEST)(new ScriptedTransport(), (error) => void ends.push(error));
  await new Promise((resolve) => setTimeout(resolve, 20));
  late.cancel();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(ends).toEqual([]);
});
