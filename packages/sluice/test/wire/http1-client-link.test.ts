import { expect, test } from "vitest";
import { ConnectionLostError, PayloadError, ProtocolError, SluiceError, UsageError } from "../../src/errors.js";
import { getRequest, Linked, LoggedExchange, ok, postRequest, turns } from "./client-link-setup.js";

test("a request without body leaves in one write, and its answer ends the exchange", () => {
  const linked = new Linked();
  const exchange = linked.send();
  expect(linked.transport.writes.length).toBe(1);
  linked.packets(ok("hello"));
  expect(exchange.log).toEqual(["sent", "head 200 5", "end"]);
  expect(exchange.body).toBe("hello");
  expect(linked.reusable).toBe(1);
  expect(linked.link.usable).toBe(true);
});

test("the answer is the same however its bytes are cut", () => {
  const wire =
    "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n";
  for (let cut = 1; cut < wire.length; cut += 1) {
    const linked = new Linked({ lends: true });
    const exchange = linked.send();
    linked.packets(wire.slice(0, cut), wire.slice(cut));
    expect(exchange.log, `cut at ${cut}`).toEqual(["sent", "informational 103", "head 200 -1", "end x y"]);
    expect(exchange.body).toBe("hello");
    expect(linked.reusable).toBe(1);
  }
});

test("a small body leaves with its head in one write", () => {
  const linked = new Linked();
  const exchange = linked.send(postRequest("abc"));
  expect(linked.transport.writes.length).toBe(1);
  expect(linked.transport.written.endsWith("\r\n\r\nabc")).toBe(true);
  expect(exchange.log).toEqual(["progress 3", "sent"]);
});

// What may come back to the pool.

test("bytes behind the answer in the same packet never answer the next request", () => {
  const linked = new Linked();
  const next = new LoggedExchange();
  linked.next = (link) => link.send(next, getRequest("/second"));
  const exchange = linked.send();
  linked.packets(`${ok("one")}${ok("poison")}`);
  expect(exchange.log).toEqual(["sent", "head 200 3", "end"]);
  expect(next.log).toEqual([]);
  expect(linked.reusable).toBe(0);
  expect(linked.gone).toBe(1);
  expect(linked.transport.destroyed).toBe(true);
});

test("a single stray byte behind the answer costs the connection", () => {
  for (const stray of ["\r", "\n", "H", "0", "\0"]) {
    const linked = new Linked();
    linked.send();
    linked.packets(ok("one") + stray);
    expect(linked.reusable, JSON.stringify(stray)).toBe(0);
    expect(linked.gone).toBe(1);
  }
});

test("bytes that come while the connection is idle close it", () => {
  const linked = new Linked();
  linked.send();
  linked.packets(ok("one"));
  linked.packets("HTTP/1.1 408 Request Timeout\r\n\r\n");
  expect(linked.link.usable).toBe(false);
  expect(linked.gone).toBe(1);
});

test("the next exchange may start as soon as the connection is given back", () => {
  const linked = new Linked();
  const next = new LoggedExchange();
  linked.next = (link) => {
    if (link.exchanges === 1) link.send(next, getRequest("/second"));
  };
  linked.send();
  linked.packets(ok("one"));
  linked.packets(ok("two"));
  expect(next.log).toEqual(["sent", "head 200 3", "end"]);
  expect(next.body).toBe("two");
  expect(linked.reusable).toBe(2);
});

test("Connection: close, HTTP/1.0, and a body until the close are not given back", () => {
  const answers = [ok("x", "connection: close\r\n"), "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx"];
  for (const answer of answers) {
    const linked = new Linked();
    const exchange = linked.send();
    linked.packets(answer);
    expect(exchange.log).toEqual(["sent", "head 200 1", "end"]);
    expect(linked.reusable).toBe(0);
    expect(linked.gone).toBe(1);
  }
  const linked = new Linked();
  const exchange = linked.send();
  linked.packets("HTTP/1.1 200 OK\r\n\r\nun", "til");
  linked.end();
  expect(exchange.log).toEqual(["sent", "head 200 -2", "end"]);
  expect(exchange.body).toBe("until");
  expect(linked.gone).toBe(1);
});

test("a FIN that came with the answer's last bytes does not give the connection back", () => {
  const linked = new Linked();
  linked.send();
  linked.transport.feed(ok("x"), { end: true });
  linked.transport.flush();
  expect(linked.gone).toBe(1);
  expect(linked.transport.destroyed).toBe(true);
});

// Early answers.

test("an answer that comes before the upload is done stops the source and closes the connection", async () => {
  let released = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield new Uint8Array(10);
        await turns(1);
      }
    } finally {
      released = true;
    }
  }
  const linked = new Linked();
  const exchange = linked.send(postRequest(endless()));
  await turns();
  linked.packets("HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno");
  await turns();
  expect(released).toBe(true);
  expect(exchange.log.filter((line) => !line.startsWith("progress"))).toEqual(["head 413 2", "end"]);
  expect(linked.reusable).toBe(0);
  expect(linked.gone).toBe(1);
});

test("an interim answer does not stop the upload", async () => {
  const linked = new Linked();
  const exchange = linked.send(postRequest([new Uint8Array(3), new Uint8Array(3)]));
  linked.packets("HTTP/1.1 100 Continue\r\n\r\n");
  await turns();
  linked.packets(ok("ok"));
  expect(exchange.log).toContain("informational 100");
  expect(exchange.log.at(-1)).toBe("end");
  expect(linked.transport.written.endsWith("0\r\n\r\n")).toBe(true);
  expect(linked.reusable).toBe(1);
});

test("a source that fails ends the exchange with its own error, and the connection", async () => {
  const linked = new Linked();
  const broken = new Error("disk");
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(2);
    throw broken;
  }
  const exchange = linked.send(postRequest(failing()));
  await turns();
  expect(exchange.error).toBe(broken);
  expect(linked.gone).toBe(1);
});

// Back-pressure.

test("a paused exchange is given nothing, and goes on where it stood", () => {
  const linked = new Linked();
  const exchange = linked.send();
  exchange.onPiece = () => linked.link.pause();
  linked.packets("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  expect(exchange.body).toBe("a");
  expect(linked.transport.paused).toBe(true);
  linked.link.resume();
  expect(exchange.body).toBe("ab");
  exchange.onPiece = () => undefined;
  linked.link.resume();
  expect(exchange.log.at(-1)).toBe("end");
  expect(linked.reusable).toBe(1);
  expect(linked.transport.paused).toBe(false);
});

test("bytes that wait behind a paused answer do not answer the next request", () => {
  const linked = new Linked();
  const exchange = linked.send();
  exchange.onPiece = () => linked.link.pause();
  linked.packets(ok("a") + ok("poison"));
  const next = new LoggedExchange();
  linked.next = (link) => link.send(next, getRequest());
  linked.link.resume();
  expect(exchange.log.at(-1)).toBe("end");
  expect(next.log).toEqual([]);
  expect(linked.reusable).toBe(0);
  expect(linked.gone).toBe(1);
});

test("what was read before the connection ended is delivered though the exchange is paused", () => {
  const endings = [{ end: true as const }, { error: Object.assign(new Error("reset"), { code: "ECONNRESET" }) }];
  for (const ending of endings) {
    const linked = new Linked();
    const exchange = linked.send();
    exchange.onPiece = () => linked.link.pause();
    linked.packets("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    expect(exchange.body).toBe("a");
    linked.transport.feed(ending);
    linked.transport.flush();
    expect(exchange.body).toBe("ab");
    expect(exchange.log.at(-1)).toBe("end");
    expect(linked.gone).toBe(1);
  }
});

// Failures.

test("the connection's end before, within and behind the head is named", () => {
  const cases: [wire: string, log: string, type: typeof SluiceError][] = [
    ["", "failure connection/closed", ConnectionLostError],
    ["HTTP/1.1 20", "failure connection/closed, answered", ConnectionLostError],
    ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "failure body/incomplete, answered", PayloadError],
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nha", "failure body/incomplete, answered", PayloadError],
  ];
  for (const [wire, log, type] of cases) {
    const linked = new Linked();
    const exchange = linked.send();
    if (wire !== "") linked.packets(wire);
    linked.end();
    expect(exchange.log.at(-1)).toBe(log);
    expect(exchange.error).toBeInstanceOf(type);
    expect(linked.gone).toBe(1);
  }
});

test("a reset is a lost connection with the system's error as its cause", () => {
  const linked = new Linked();
  const exchange = linked.send();
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  linked.transport.feed({ error: reset });
  linked.transport.flush();
  expect(exchange.log.at(-1)).toBe("failure connection/lost");
  expect(exchange.error?.cause).toBe(reset);
  expect(exchange.error?.message).toContain("ECONNRESET");
});

test("an answer against the rules fails the exchange once, and closes the connection", () => {
  const bad = [
    "HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "SSH-2.0-OpenSSH\r\n",
  ];
  for (const wire of bad) {
    const linked = new Linked();
    const exchange = linked.send();
    linked.packets(wire, "more");
    expect(exchange.error, wire).toBeInstanceOf(ProtocolError);
    expect(exchange.log.filter((line) => line.startsWith("failure")).length).toBe(1);
    expect(linked.gone).toBe(1);
    expect(linked.transport.destroyed).toBe(true);
  }
});

test("an abandoned exchange hears nothing more, and its connection is gone once", () => {
  const linked = new Linked();
  const exchange = linked.send();
  linked.packets("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
  linked.link.abandon();
  linked.transport.flush();
  expect(exchange.log).toEqual(["sent", "head 200 9"]);
  expect(linked.gone).toBe(1);
  expect(linked.reusable).toBe(0);
});

test("an exchange abandoned at its head, with the whole answer in the packet, does not revive the connection", () => {
  const linked = new Linked();
  const exchange = linked.send();
  exchange.atHead = () => linked.link.abandon();
  linked.packets(ok("hello"));
  linked.transport.flush();
  expect(exchange.log).toEqual(["sent", "head 200 5"]);
  expect(linked.reusable).toBe(0);
  expect(linked.gone).toBe(1);
  expect(linked.link.usable).toBe(false);
});

test("destroying an idle link closes it, a busy one fails its exchange", () => {
  const idle = new Linked();
  idle.link.destroy(new SluiceError("test/why", "Because"));
  expect(idle.gone).toBe(1);
  const busy = new Linked();
  const exchange = busy.send();
  busy.link.destroy(new SluiceError("test/why", "Because"));
  expect(exchange.log.at(-1)).toBe("failure test/why");
  busy.transport.flush();
  expect(busy.gone).toBe(1);
});

test("an upload waits for the peer's drain, and goes on after it", async () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 3; count += 1) {
      yield new Uint8Array(50_000);
      await turns(1);
    }
  }
  const linked = new Linked({ highWaterMark: 70_000 });
  const exchange = linked.send(postRequest(pieces()));
  await turns(10);
  expect(exchange.log).not.toContain("sent");
  expect(linked.link.awaitsSource).toBe(false);
  for (let round = 0; round < 5 && !exchange.log.includes("sent"); round += 1) {
    linked.transport.drain();
    linked.transport.flush();
    await turns(6);
  }
  expect(exchange.log.at(-1)).toBe("sent");
  linked.packets(ok(""));
  expect(linked.reusable).toBe(1);
});

test("pieces are copied when the transport lends them, and small ones never keep a packet alive", () => {
  const linked = new Linked();
  const exchange = new LoggedExchange();
  const lent: boolean[] = [];
  exchange.onData = (_piece: Uint8Array, borrowed = false) => {
    lent.push(borrowed);
  };
  linked.link.send(exchange, getRequest());
  linked.packets(
    `HTTP/1.1 200 OK\r\ncontent-length: 40000\r\n\r\n${"a".repeat(10)}`,
    "b".repeat(30_000),
    "c".repeat(9_990),
  );
  expect(lent).toEqual([true, false, true]);
});

test("a transport that breaks with an error of ours is taken at its word; any other error is the cause of one", () => {
  for (const [given, code] of [
    [new UsageError("mock/unmatched", "Not prepared"), "mock/unmatched"],
    [new Error("cable"), "connection/lost"],
  ] as const) {
    const linked = new Linked();
    const exchange = linked.send();
    linked.transport.feed({ error: given });
    linked.transport.flush();
    linked.transport.flush();
    expect(exchange.log.at(-1)).toBe(`failure ${code}`);
    expect([exchange.error, exchange.error?.cause]).toContain(given);
  }
});
