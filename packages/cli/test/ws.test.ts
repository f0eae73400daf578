/** `sluice ws` against a server of ws, in this process: pipes, a terminal that is none, commands, exit codes. */
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { runProgram } from "../src/program.js";
import { ANSI_COLOURS, NO_COLOURS } from "../src/terminal/colours.js";
import { messageJson, messageLine, messageText, parseHex } from "../src/ws/message-text.js";
import { FakeIo, type FakeIoOptions } from "./support/fake-io.js";
import { Screen } from "./support/screen.js";

interface Peer {
  readonly url: string;
  readonly requests: IncomingMessage[];
  readonly received: string[];
  readonly server: WebSocketServer;
}

type Greet = (socket: WebSocket, nth: number, request: IncomingMessage) => void;

/** A server on loopback; `greet` is called with each connection. Closed when the test is over. */
async function serve(greet: Greet = echo): Promise<Peer> {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  const requests: IncomingMessage[] = [];
  const received: string[] = [];
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket, request) => {
    requests.push(request);
    socket.on("message", (bytes, isBinary) =>
      received.push(isBinary ? `hex ${(bytes as Buffer).toString("hex")}` : String(bytes)),
    );
    greet(socket, requests.length, request);
  });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests, received, server };
}

function echo(socket: WebSocket): void {
  socket.on("message", (bytes, isBinary) => socket.send(bytes, { binary: isBinary }));
}

async function ws(args: readonly string[], options?: FakeIoOptions) {
  const io = new FakeIo(options);
  const code = await runProgram(["ws", ...args], io);
  expect(io.listening, "listeners to signals").toBe(0);
  return { code, out: io.out.text, err: io.err.text };
}

/** A person at a terminal, as far as the command can tell. */
class Person extends FakeIo {
  override readonly stdin = Object.assign(new PassThrough(), { isTTY: true as const });

  readonly #screen: Screen;

  constructor(columns = 80) {
    super({ terminal: true, columns, env: { TERM: "xterm", NO_COLOR: "1" } });
    this.#screen = new Screen(columns);
    for (const stream of [this.out, this.err]) stream.onWrite = (text) => this.#screen.write(text);
  }

  /** What stands on the terminal. */
  get screen(): string {
    return this.#screen.text;
  }

  type(line: string): void {
    this.stdin.write(`${line}\r`);
  }
}

/** Whose connection is open. */
async function talking(url: string, args: readonly string[] = [], columns?: number) {
  const person = new Person(columns);
  const ended = runProgram(["ws", url, ...args], person);
  await expect.poll(() => person.screen).toBe("Connected\n>");
  return { person, ended };
}

describe("in a pipe", () => {
  test("lines in are messages out, and messages in are lines out", async () => {
    const { url, received } = await serve();
    const { code, out, err } = await ws([url, "--wait", "300ms"], { stdin: "one\ntwo\n\nlast without its end" });
    expect({ code, err, out }).toEqual({ code: 0, err: "", out: "one\ntwo\n\nlast without its end\n" });
    expect(received).toEqual(["one", "two", "", "last without its end"]);
  });

  test("--binary sends the bytes that lines name, and bytes come out in hexadecimal", async () => {
    const { url, received } = await serve();
    const { out } = await ws([url, "--binary", "--wait", "300ms"], { stdin: "00 ff\n0A\n" });
    expect(received).toEqual(["hex 00ff", "hex 0a"]);
    expect(out).toBe("00ff\n0a\n");
  });

  test("--output jsonl tells text and bytes apart", async () => {
    const { url } = await serve((socket) => {
      socket.send('{"a":1}');
      socket.send(Buffer.from([0, 255]));
      socket.close(1000);
    });
    const { out } = await ws([url, "--no-input", "--output", "jsonl"]);
    expect(out).toBe('{"type":"text","data":"{\\"a\\":1}"}\n{"type":"binary","data":"00ff"}\n');
  });

  test("-n ends it behind so many messages", async () => {
    const { url } = await serve((socket) => {
      for (const text of ["a", "b", "c"]) socket.send(text);
    });
    const { code, out } = await ws([url, "--no-input", "-n", "2"]);
    expect({ code, out }).toEqual({ code: 0, out: "a\nb\n" });
  });

  test("behind the end of the input it waits for answers, each of which is waited behind anew", async () => {
    const { url } = await serve((socket) => {
      socket.on("message", () => {
        for (const at of [1, 2, 3]) setTimeout(() => socket.send(String(at)), at * 100);
      });
    });
    const { out } = await ws([url, "--wait", "2s", "-n", "3"], { stdin: "go\n" });
    expect(out).toBe("1\n2\n3\n");
  });

  test("a line that is no hexadecimal ends it with 2", async () => {
    const { url } = await serve();
    const { code, err } = await ws([url, "--binary"], { stdin: "zz\n" });
    expect(code).toBe(2);
    expect(err).toBe('sluice: expected bytes in hexadecimal such as 0a ff, received "zz"\n');
  });
});

describe("the handshake", () => {
  test("has items, fields, cookies, credentials and sub-protocols", async () => {
    const { url, requests } = await serve((socket) => socket.close(1000));
    const protocols = ["--protocol", "v2", "--protocol", "v1"];
    const more = ["--cookie", "a=b", "--bearer", "t", "--compress"];
    const { code } = await ws([url, "room==tea", "X-Test:1", ...more, ...protocols, "--no-input"]);
    expect(code).toBe(0);
    const [request] = requests;
    expect(request?.url).toBe("/?room=tea");
    expect(request?.headers).toMatchObject({
      "x-test": "1",
      cookie: "a=b",
      authorization: "Bearer t",
      "sec-websocket-protocol": "v2, v1",
      "sec-websocket-extensions": expect.stringContaining("permessage-deflate"),
    });
  });

  test("that is refused is told in one line, and ends it with 1", async () => {
    const { url } = await serve();
    const { code, out, err } = await ws([url, "--protocol", "a b", "--no-input"]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toBe('sluice: Cannot offer the sub-protocol "a b": it is no token\n');
    const gone = await ws(["ws://127.0.0.1:1/", "--no-input"]);
    expect(gone.code).toBe(1);
    expect(gone.err).toMatch(/^sluice: GET http:\/\/127\.0\.0\.1:1\/: [^\n]+\n$/);
  });
});

describe("how it ends", () => {
  test.each([
    [1000, 0, ""],
    [1001, 0, ""],
    [1008, 1, "sluice: Closed with 1008: go away\n"],
    [4000, 1, "sluice: Closed with 4000: go away\n"],
  ])("close code %i is exit code %i", async (closeCode, exitCode, said) => {
    const { url } = await serve((socket) => socket.close(closeCode, "go away"));
    const { code, err } = await ws([url, "--no-input"]);
    expect({ code, err }).toEqual({ code: exitCode, err: said });
  });

  test("a connection that breaks off is exit code 1", async () => {
    const { url } = await serve((socket) => socket.terminate());
    const { code, err } = await ws([url, "--no-input"]);
    expect({ code, err }).toEqual({ code: 1, err: "sluice: Cannot go on: the connection broke off\n" });
  });

  test("--reconnect goes on with another connection", async () => {
    const { url, requests } = await serve((socket, nth) => {
      socket.send(`connection ${nth}`);
      if (nth < 2) socket.terminate();
      else socket.close(1000);
    });
    const { code, out } = await ws([url, "--no-input", "--reconnect"]);
    expect({ code, out }).toEqual({ code: 0, out: "connection 1\nconnection 2\n" });
    expect(requests).toHaveLength(2);
  });

  test("Ctrl-C says goodbye, and is exit code 130", async () => {
    const codes: number[] = [];
    const { url } = await serve((socket) => {
      socket.on("close", (code) => codes.push(code));
      socket.send("hello");
    });
    const io = new FakeIo();
    const ended = runProgram(["ws", url, "--no-input"], io);
    // That the server has its request does not mean that the client has its answer.
    await expect.poll(() => io.out.text).toBe("hello\n");
    io.signal();
    expect(await ended).toBe(130);
    await expect.poll(() => codes).toEqual([1000]);
    expect(io.listening).toBe(0);
  });
});

describe("on a terminal", () => {
  test("lines are typed and answers laid out; commands begin with a slash", async () => {
    const { url, received } = await serve();
    const { person, ended } = await talking(url);
    person.type('{"a":1}');
    await expect.poll(() => person.out.text).toContain('< {\n  "a": 1\n}\n');
    person.type("//slash");
    await expect.poll(() => received).toContain("/slash");
    person.type("/binary 00 41 ff");
    await expect.poll(() => person.out.text).toContain("< binary, 3 bytes\n  0000  00 41 ff");
    person.type("/binary x");
    await expect.poll(() => person.err.text).toContain("expected bytes in hexadecimal");
    person.type("/ping");
    await expect.poll(() => person.out.text).toMatch(/Answered in [\d.]+ .?s/);
    person.type("/what");
    await expect.poll(() => person.out.text).toContain("Commands: /ping");
    person.type("/close 4000 bye");
    expect(await ended).toBe(1);
    expect(person.err.text).toContain("Closed with 4000");
    expect(received).toEqual(['{"a":1}', "/slash", "hex 0041ff"]);
  });

  test("the end of the input (Ctrl-D) ends it at once, Ctrl-C with 130", async () => {
    const { url } = await serve();
    const { person, ended } = await talking(url);
    person.stdin.write("\u0004");
    expect(await ended).toBe(0);
    const other = await talking(url);
    other.person.stdin.write("\u0003");
    expect(await other.ended).toBe(130);
  });

  test("a command that cannot be done is told of, and ends nothing", async () => {
    const { url, received } = await serve();
    const { person, ended } = await talking(url);
    person.type("/close 99");
    await expect.poll(() => person.screen).toContain("sluice: Cannot close with 99: expected 1000 to 1014");
    person.type("still there");
    await expect.poll(() => received).toEqual(["still there"]);
    person.stdin.write("\u0004");
    expect(await ended).toBe(0);
  });

  test("a ping without an answer holds up nobody", async () => {
    const { url, requests } = await serve((_socket, _nth, request) => request.socket.pause());
    const { person, ended } = await talking(url);
    person.type("/ping");
    person.type("/what");
    await expect.poll(() => person.screen).toContain("Commands: /ping");
    person.stdin.write("\u0003");
    requests[0]?.socket.resume();
    expect(await ended).toBe(130);
  });

  test("nor does a message without a connection, and that it was not sent is told", async () => {
    const { url, server } = await serve((socket) =>
      socket.on("message", () => {
        server.close();
        socket.terminate();
      }),
    );
    const { person, ended } = await talking(url, ["--reconnect"]);
    person.type("stop");
    await expect.poll(() => person.screen).toContain("connecting again in");
    person.type("waits");
    person.stdin.write("\u0004");
    expect(await ended).toBe(0);
    expect(person.screen).toContain("\nsluice: Cannot send: the reconnecting WebSocket is closed");
  });

  test("a second Ctrl-C does not wait for a server that does not answer the goodbye", async () => {
    // One that takes notice of nothing any more, as a machine does that has gone.
    const { url, requests } = await serve((_socket, _nth, request) => request.socket.pause());
    const { person, ended } = await talking(url);
    person.stdin.write("\u0003");
    await expect.poll(() => person.screen).toBe("Connected");
    expect(person.exits).toEqual([]);
    // Lines are not edited any more, so the terminal makes a signal of it.
    person.signal();
    expect(person.exits).toEqual([130]);
    requests[0]?.socket.resume();
    expect(await ended).toBe(130);
  });

  test("arrows bring back what was typed", async () => {
    const { url, received } = await serve();
    const { person, ended } = await talking(url);
    person.type("first");
    await expect.poll(() => received).toEqual(["first"]);
    person.stdin.write("\u001b[A");
    person.type("");
    await expect.poll(() => received).toEqual(["first", "first"]);
    person.stdin.write("\u0004");
    await ended;
  });

  test("messages come above the line that is being typed, however many rows it takes", async () => {
    const peers: WebSocket[] = [];
    const { url, received } = await serve((socket) => peers.push(socket));
    const { person, ended } = await talking(url, [], 20);
    const line = "x".repeat(50);
    person.stdin.write(line);
    const typed = `> ${"x".repeat(18)}\n${"x".repeat(20)}\n${"x".repeat(12)}`;
    await expect.poll(() => person.screen).toBe(`Connected\n${typed}`);
    for (const text of ["one", "two", "wider than the screen is"]) peers[0]?.send(text);
    const messages = "< one\n< two\n< wider than the scr\neen is";
    await expect.poll(() => person.screen).toBe(`Connected\n${messages}\n${typed}`);
    person.type("");
    await expect.poll(() => received).toEqual([line]);
    await expect.poll(() => person.screen).toBe(`Connected\n${messages}\n${typed}\n>`);
    person.stdin.write("\u0004");
    expect(await ended).toBe(0);
    expect(person.screen).toBe(`Connected\n${messages}\n${typed}\nClosed with 1000`);
  });

  test("a line that is begun while another is sent can be edited from where it is", async () => {
    const { url, received } = await serve();
    const { person, ended } = await talking(url);
    person.stdin.write("first\rbegun");
    await expect.poll(() => person.screen).toBe("Connected\n> first\n< first\n> begun");
    person.stdin.write("\u0015");
    person.type("second");
    await expect.poll(() => received).toEqual(["first", "second"]);
    person.stdin.write("\u0004");
    await ended;
  });

  test("nothing that is said stands behind the prompt or what is typed", async () => {
    const { url } = await serve((socket) => socket.on("message", () => socket.close(4000, "enough")));
    const { person, ended } = await talking(url);
    person.type("/binary x");
    const complaint = 'sluice: expected bytes in hexadecimal such as 0a ff, received "x"';
    await expect.poll(() => person.screen).toBe(`Connected\n> /binary x\n${complaint}\n>`);
    person.stdin.write(`stop\r${"begun".repeat(40)}`);
    expect(await ended).toBe(1);
    expect(person.screen).toBe(`Connected\n> /binary x\n${complaint}\n> stop\nsluice: Closed with 4000: enough`);
    const refused = new Person();
    expect(await runProgram(["ws", "ws://127.0.0.1:1/"], refused)).toBe(1);
    expect(refused.screen).toMatch(/^sluice: GET /);
  });

  test("it is said when the connection is lost and made again", async () => {
    const { url } = await serve((socket, nth) => {
      if (nth < 2) socket.terminate();
      else socket.close(1000, "done");
    });
    const { err } = await ws([url, "--no-input", "--reconnect"], { terminal: true, env: { NO_COLOR: "1" } });
    expect(err).toMatch(
      /^Connected\nCannot go on: the connection broke off; connecting again in .+\nConnected\nClosed with 1000: done\n$/,
    );
  });
});

describe("messages as text", () => {
  test("what a server sends cannot act on the terminal", () => {
    expect(messageText("a\u001b[2J\u009bb", NO_COLOURS)).toBe("< a\uFFFD[2J\uFFFDb\n");
    expect(messageText("a\n< b\r\nc", NO_COLOURS), "nor look like another message").toBe("< a\n  < b\n  c\n");
    expect(messageText("{}", ANSI_COLOURS)).toBe("\u001b[32m<\u001b[39m {}\n");
  });

  test("bytes are dumped with their offsets, long ones in part", () => {
    const text = messageText(Buffer.alloc(2_000, 0x41), NO_COLOURS);
    const lines = text.split("\n");
    expect(lines[0]).toBe("< binary, 2000 bytes");
    expect(lines[2]).toBe(`  0010  ${"41 ".repeat(16)} ${"A".repeat(16)}`);
    expect(lines.at(-2)).toBe("  … 976 bytes more");
    expect(messageText(new Uint8Array(0), NO_COLOURS)).toBe("< binary, 0 bytes\n");
  });

  test("in pipes nothing is changed", () => {
    expect(messageLine("a\u001b")).toBe("a\u001b\n");
    expect(messageLine(Uint8Array.of(1, 255))).toBe("01ff\n");
    expect(messageJson("x\ny")).toBe('{"type":"text","data":"x\\ny"}\n');
  });

  test.each([
    ["", []],
    ["0aFF", [10, 255]],
    [" 0a  ff ", [10, 255]],
  ])("hexadecimal %j", (text, bytes) => expect([...parseHex(text)]).toEqual(bytes));

  test.each(["a", "0x0a", "gg"])("no hexadecimal: %j", (text) => expect(() => parseHex(text)).toThrow("hexadecimal"));
});
