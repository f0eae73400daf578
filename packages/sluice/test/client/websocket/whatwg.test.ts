/** The class of browsers, by the clauses of the WebSockets Standard (WHATWG), and a library's way of using it. */
import { inspect } from "node:util";
import { constants, inflateRawSync } from "node:zlib";
import { beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { SocketCloseEvent } from "../../../src/client/websocket/whatwg/socket-close-event.js";
import { SocketErrorEvent } from "../../../src/client/websocket/whatwg/socket-error-event.js";
import { webSocketFor } from "../../../src/client/websocket/whatwg/websocket-for.js";
import { WhatwgWebSocket } from "../../../src/client/websocket/whatwg/whatwg-websocket.js";
import { UsageError } from "../../../src/errors.js";
import { answer, turns } from "../fake-net.js";
import { closeFrame, frame, SocketNet, switched, textFrame } from "./handshakes.js";

// Loaded with the first connection, which takes turns that are not counted here.
beforeAll(() => import("../../../src/client/websocket/open-websocket.js"));

async function settled(): Promise<void> {
  await turns(12);
}

/** A class on a network in memory. */
function bound(net = new SocketNet(), baseUrl?: string) {
  const session = net.session(baseUrl === undefined ? {} : { baseUrl });
  return { net, session, WebSocketClass: webSocketFor(session, { heartbeat: Number.POSITIVE_INFINITY }) };
}

/** An open socket, and the events that it has told of. */
async function opened(net = new SocketNet()) {
  const { WebSocketClass, session } = bound(net);
  const socket = new WebSocketClass("ws://h.test/feed");
  const events = noted(socket);
  await settled();
  return { net, socket, events, session };
}

function noted(socket: WhatwgWebSocket): Event[] {
  const events: Event[] = [];
  for (const type of ["open", "message", "error", "close"])
    socket.addEventListener(type, (event) => events.push(event));
  return events;
}

function dataOf(events: readonly Event[]): unknown[] {
  return events.filter((event) => event instanceof MessageEvent).map((event) => (event as MessageEvent).data);
}

function thrown(action: () => unknown): { readonly name: string } | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

describe("the constructor (§3.1, new WebSocket(url, protocols))", () => {
  test.each([
    ["ws://h.test/a", "ws://h.test/a"],
    ["wss://h.test", "wss://h.test/"],
    ["http://h.test/a", "ws://h.test/a"],
    ["https://h.test/a", "wss://h.test/a"],
    ["../b?c", "wss://base.test/b?c"],
  ])("%s is %s", async (given, url) => {
    const { net, WebSocketClass } = bound(new SocketNet(), "https://base.test/v1/");
    const socket = new WebSocketClass(given);
    expect(socket.url).toBe(url);
    await settled();
    expect(net.seen[0]?.url.replace(/:(?:80|443)/, "").replace("http", "ws")).toBe(url);
  });

  test.each(["ftp://h.test/", "h.test", "ws://h.test/#", "ws://h.test/#part", "mailto:a@b"])(
    "%s is a SyntaxError",
    (url) => {
      const { net, WebSocketClass } = bound();
      const error = thrown(() => new WebSocketClass(url));
      expect(error).toBeInstanceOf(DOMException);
      expect(error?.name).toBe("SyntaxError");
      expect(net.connections).toHaveLength(0);
    },
  );

  test.each([["a b"], [""], [["a", "a"]], [["a", ""]], [["a", "b,c"]]])(
    "sub-protocols %j are a SyntaxError",
    (protocols) => {
      const { WebSocketClass } = bound();
      const error = thrown(() => new WebSocketClass("ws://h.test/", protocols));
      expect(error).toBeInstanceOf(DOMException);
      expect(error?.name).toBe("SyntaxError");
    },
  );

  test.each([
    ["one", "one"],
    [["one", "two"], "one, two"],
    [[], undefined],
  ])("sub-protocols %j are offered as %s", async (protocols, offered) => {
    const net = new SocketNet((request) => {
      const first = request.fields.get("sec-websocket-protocol")?.split(", ")[0];
      return switched(request, first === undefined ? "" : `Sec-WebSocket-Protocol: ${first}\r\n`);
    });
    const { WebSocketClass } = bound(net);
    const socket = new WebSocketClass("ws://h.test/", protocols);
    expect(socket.protocol).toBe("");
    await settled();
    expect(net.seen[0]?.fields.get("sec-websocket-protocol")).toBe(offered);
    expect(socket.protocol).toBe(offered?.split(",")[0] ?? "");
  });

  test("the class has the session's options checked, and its sockets are of one class with others'", async () => {
    const { session, WebSocketClass } = bound();
    expect(() => webSocketFor(session, { maxMessageSize: -1 })).toThrow(UsageError);
    expect(() => webSocketFor(session, { protocols: ["a"] } as never)).toThrow("Cannot use protocols here");
    expect(() => webSocketFor(undefined as never)).toThrow("Cannot use session: expected a ClientSession");
    const socket = new WebSocketClass("ws://h.test/");
    expect(socket).toBeInstanceOf(WhatwgWebSocket);
    expect(socket).toBeInstanceOf(EventTarget);
    expect(WebSocketClass.name).toBe("WebSocket");
    expect(String(socket)).toBe("[object WebSocket]");
    expect(String(new SocketCloseEvent("close"))).toBe("[object CloseEvent]");
  });
});

test("to a compiler a socket is one of the standard's", async () => {
  const { WebSocketClass } = bound();
  const socket = new WebSocketClass("ws://h.test/");
  const standard: WebSocket = socket;
  standard.onclose = ({ code, reason, wasClean }) => [code, reason, wasClean];
  expectTypeOf(socket.readyState).toEqualTypeOf<0 | 1 | 2 | 3>();
  expect(socket.onclose).toBe(standard.onclose);
});

test("sockets and events say in a log what they are, and nothing secret", async () => {
  const { WebSocketClass } = bound();
  const socket = new WebSocketClass("ws://h.test/feed?token=secret");
  expect(socket.url).toBe("ws://h.test/feed?token=secret");
  expect(inspect(socket)).toMatch(/^WebSocket {\s+url: 'ws:\/\/h\.test\/feed\?token=…',\s+readyState: 0,/);
  expect(JSON.stringify(socket)).not.toContain("secret");
  const closed = new SocketCloseEvent("close", { code: 4000, reason: "why", wasClean: true });
  expect(inspect(closed)).toBe("CloseEvent { type: 'close', code: 4000, reason: 'why', wasClean: true }");
  expect(inspect(new SocketErrorEvent("error", "lost"))).toBe("SocketErrorEvent { type: 'error', error: 'lost' }");
});

describe("readyState (§3.1)", () => {
  test("is CONNECTING, OPEN, CLOSING, CLOSED, which class and sockets have by name", async () => {
    const { net, socket, events } = await opened(new SocketNet());
    net.peer().closesPolitely = false;
    expect([WhatwgWebSocket.CONNECTING, WhatwgWebSocket.OPEN, WhatwgWebSocket.CLOSING, WhatwgWebSocket.CLOSED]).toEqual(
      [0, 1, 2, 3],
    );
    expect([socket.CONNECTING, socket.OPEN, socket.CLOSING, socket.CLOSED]).toEqual([0, 1, 2, 3]);
    expect(new (bound().WebSocketClass)("ws://h.test/").readyState).toBe(0);
    expect(socket.readyState).toBe(1);
    socket.close();
    expect(socket.readyState).toBe(2);
    await settled();
    net.peer().send(closeFrame(1000));
    net.peer().connection.transport.end();
    await settled();
    expect(socket.readyState).toBe(3);
    expect(events.map(({ type }) => type)).toEqual(["open", "close"]);
  });

  test("protocol and extensions are set when it opens", async () => {
    const { socket } = await opened();
    expect([socket.protocol, socket.extensions]).toEqual(["", ""]);
  });
});

describe("messages (§3.1, when a WebSocket message has been received)", () => {
  test("text is a string; the event has the origin of the URL", async () => {
    const { net, events } = await opened();
    net.peer().send(textFrame("hé"));
    await settled();
    const [, event] = events as [Event, MessageEvent];
    expect([event.data, event.origin, event.lastEventId]).toEqual(["hé", "ws://h.test", ""]);
  });

  test("bytes are a Blob, or an ArrayBuffer where binaryType says so when they come", async () => {
    const { net, socket, events } = await opened();
    expect(socket.binaryType).toBe("blob");
    net.peer().send(frame(2, Uint8Array.of(1, 2)));
    await settled();
    socket.binaryType = "arraybuffer";
    net.peer().send(frame(2, Uint8Array.of(3)));
    await settled();
    const [blob, buffer] = dataOf(events);
    expect(blob).toBeInstanceOf(Blob);
    expect([...new Uint8Array(await (blob as Blob).arrayBuffer())]).toEqual([1, 2]);
    expect(buffer).toBeInstanceOf(ArrayBuffer);
    expect([...new Uint8Array(buffer as ArrayBuffer)]).toEqual([3]);
  });

  test("binaryType ignores what is no such type", async () => {
    const { socket } = await opened();
    socket.binaryType = "nodebuffer" as "blob";
    expect(socket.binaryType).toBe("blob");
  });

  test("none is told of once close() was called", async () => {
    const { net, socket, events } = await opened();
    net.peer().closesPolitely = false;
    socket.close();
    net.peer().send(textFrame("late"));
    await settled();
    expect(dataOf(events)).toEqual([]);
  });

  test("those that came with the 101 come behind `open`", async () => {
    const net = new SocketNet();
    net.greeting = textFrame("early");
    const { events } = await opened(net);
    expect(events.map(({ type }) => type)).toEqual(["open", "message"]);
  });
});

describe("send() (§3.1)", () => {
  test("before it is open is an InvalidStateError", () => {
    const socket = new (bound().WebSocketClass)("ws://h.test/");
    expect(thrown(() => socket.send("x"))?.name).toBe("InvalidStateError");
  });

  test("takes text, buffers, views and Blobs, and keeps their order", async () => {
    const { net, socket } = await opened();
    const bytes = Uint8Array.of(9, 1, 2, 9);
    socket.send("a");
    socket.send(new Blob(["blob"]));
    socket.send(bytes.subarray(1, 3));
    bytes.fill(0);
    socket.send(Uint8Array.of(3).buffer);
    socket.send(new DataView(Uint8Array.of(4).buffer));
    socket.send("z");
    await settled();
    const seen = net.peer().frames.map(({ opcode, bytes: payload }) => [opcode, payload.toString("latin1")]);
    expect(seen).toEqual([
      [1, "a"],
      [2, "blob"],
      [2, "\x01\x02"],
      [2, "\x03"],
      [2, "\x04"],
      [1, "z"],
    ]);
  });

  test("makes text of anything else, and scalar values of text", async () => {
    const { net, socket } = await opened();
    socket.send(12 as unknown as string);
    socket.send(null as unknown as string);
    socket.send("\ud800");
    await settled();
    expect(net.peer().texts).toEqual(["12", "null", "\ufffd"]);
  });

  test("without an argument is a TypeError", async () => {
    const { socket } = await opened();
    expect(thrown(() => (socket.send as () => void)())).toBeInstanceOf(TypeError);
  });

  test("bufferedAmount counts what has not left; once it is closed, for good", async () => {
    const { socket } = await opened();
    socket.send(new Blob(["four"]));
    expect(socket.bufferedAmount).toBe(4);
    await settled();
    expect(socket.bufferedAmount).toBe(0);
    socket.close();
    await settled();
    socket.send("ü");
    socket.send(new Uint8Array(3));
    expect(socket.bufferedAmount).toBe(5);
    await settled();
    expect(socket.bufferedAmount).toBe(5);
  });
});

test("bytes are the caller's again when send() returns, however late they are compressed (§3.1, send())", async () => {
  const net = new SocketNet((request) => switched(request, "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
  const WebSocketClass = webSocketFor(net.session(), { compress: true, heartbeat: Number.POSITIVE_INFINITY });
  const socket = new WebSocketClass("ws://h.test/");
  await expect.poll(() => socket.readyState).toBe(1);
  const bytes = new Uint8Array(1_000_000).fill(1);
  socket.send(bytes);
  bytes.fill(9);
  await expect.poll(() => net.peer().frames.length).toBe(1);
  const end = Buffer.of(0, 0, 0xff, 0xff);
  const sent = inflateRawSync(Buffer.concat([net.peer().frames[0]?.bytes ?? end, end]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  expect(sent.equals(new Uint8Array(1_000_000).fill(1))).toBe(true);
});

describe("close() (§3.1)", () => {
  test.each([0, 999, 1001, 1005, 2999, 5000, 65_536 + 1000, Number.NaN, -1])(
    "code %s is an InvalidAccessError",
    async (code) => {
      const { socket } = await opened();
      expect(thrown(() => socket.close(code))?.name).toBe("InvalidAccessError");
      expect(socket.readyState).toBe(1);
    },
  );

  test.each([
    [1000, 1000],
    [3000, 3000],
    [4999, 4999],
    [2999.5, 3000],
    [3000.5, 3000],
  ])("code %s is sent as %i", async (code, sent) => {
    const { net, socket, events } = await opened();
    socket.close(code, "why");
    await settled();
    expect(net.peer().closeCodes).toEqual([sent]);
    const close = events.at(-1) as SocketCloseEvent;
    expect(close).toBeInstanceOf(SocketCloseEvent);
    expect([close.wasClean, close.code, close.reason]).toEqual([true, sent, "why"]);
  });

  test.each([[], [undefined, "a reason has its place behind a code"]])(
    "without a code none is sent: %j",
    async (...given) => {
      const { net, socket, events } = await opened();
      socket.close(...(given as [undefined, string]));
      await settled();
      expect(net.peer().frames).toMatchObject([{ opcode: 8, text: "" }]);
      expect(events.at(-1)).toMatchObject({ type: "close", wasClean: true, code: 1005, reason: "" });
    },
  );

  test("a reason of 123 bytes is sent; one more is a SyntaxError", async () => {
    const { net, socket } = await opened();
    expect(thrown(() => socket.close(1000, `${"ü".repeat(61)}xy`))?.name).toBe("SyntaxError");
    socket.close(1000, `${"ü".repeat(61)}x`);
    await settled();
    expect(net.peer().frames[0]?.bytes).toHaveLength(125);
  });

  test("what was sent before goes before it, Blobs too", async () => {
    const { net, socket } = await opened();
    socket.send(new Blob(["blob"]));
    socket.close();
    await settled();
    expect(net.peer().frames.map(({ opcode }) => opcode)).toEqual([2, 8]);
  });

  test("before it is open fails the connection: error, then close with 1006", async () => {
    const net = new SocketNet(() => "");
    const socket = new (bound(net).WebSocketClass)("ws://h.test/");
    const events = noted(socket);
    socket.close();
    expect(socket.readyState).toBe(2);
    await settled();
    expect(events.map(({ type }) => type)).toEqual(["error", "close"]);
    expect(events[1]).toMatchObject({ code: 1006, wasClean: false, reason: "" });
    expect(net.open).toBe(0);
  });

  test("a second time does nothing", async () => {
    const { net, socket } = await opened();
    socket.close(3000);
    socket.close(4000);
    await settled();
    socket.close(4000);
    expect(net.peer().closeCodes).toEqual([3000]);
  });
});

describe("how it ends", () => {
  test("by the peer: close with its code and reason, and no error", async () => {
    const { net, socket, events } = await opened();
    net.peer().close(4004, "moved");
    await settled();
    expect(events.map(({ type }) => type)).toEqual(["open", "close"]);
    expect(events[1]).toMatchObject({ code: 4004, reason: "moved", wasClean: true });
    expect(socket.readyState).toBe(3);
  });

  test("by a lost connection, or by the peer's faults: error, then close with 1006", async () => {
    for (const fault of [undefined, frame(3, "x")]) {
      const { net, events } = await opened();
      if (fault === undefined) net.peer().connection.reset();
      else net.peer().send(fault);
      await settled();
      if (fault !== undefined) net.peer().connection.transport.end();
      await settled();
      expect(events.map(({ type }) => type)).toEqual(["open", "error", "close"]);
      expect(events[2]).toMatchObject({ code: 1006, reason: "", wasClean: false });
      expect((events[1] as SocketErrorEvent).error).toBeInstanceOf(Error);
      expect((events[1] as SocketErrorEvent).message).not.toBe("");
    }
  });

  test("a refused handshake: error, then close; the error says why", async () => {
    const socket = new (bound(new SocketNet(() => answer(403, "no"))).WebSocketClass)("ws://h.test/");
    const events = noted(socket);
    await settled();
    expect(events.map(({ type }) => type)).toEqual(["error", "close"]);
    expect((events[0] as SocketErrorEvent).error).toMatchObject({ code: "websocket/refused", status: 403 });
  });

  test("with its session: 1001 to the peer", async () => {
    const { net, session, socket } = await opened();
    await session.close({ grace: 1_000 });
    expect(net.peer().closeCodes).toEqual([1001]);
    await settled();
    expect(socket.readyState).toBe(3);
  });
});

describe("event handler attributes (HTML Standard, §8.1.8.1)", () => {
  test("are called with the event, the socket being `this`, in the order in which they were first set", async () => {
    const { WebSocketClass, net } = bound();
    const socket = new WebSocketClass("ws://h.test/");
    const calls: string[] = [];
    expect([socket.onopen, socket.onmessage, socket.onerror, socket.onclose]).toEqual([null, null, null, null]);
    socket.addEventListener("open", () => calls.push("first"));
    socket.onopen = () => calls.push("replaced");
    socket.addEventListener("open", () => calls.push("third"));
    socket.onopen = function (this: unknown, event) {
      calls.push(`handler ${String(this === socket)} ${event.type}`);
    };
    socket.onmessage = ({ data }) => calls.push(data);
    socket.onclose = ({ code }) => calls.push(`close ${code}`);
    socket.onerror = () => calls.push("never");
    socket.onerror = null;
    await settled();
    net.peer().send(textFrame("hi"));
    net.peer().close(1000);
    await settled();
    expect(calls).toEqual(["first", "handler true open", "third", "hi", "close 1000"]);
  });

  test("what cannot be called is as good as null", async () => {
    const { socket } = await opened();
    socket.onmessage = () => undefined;
    socket.onmessage = "no" as unknown as null;
    expect(socket.onmessage).toBeNull();
  });
});

describe("a library that takes the constructor", () => {
  /** What such libraries do: a class from their options, constants of it, handlers, and a new socket when one is lost. */
  class Library {
    readonly messages: unknown[] = [];
    opened = 0;
    #socket: WhatwgWebSocket | undefined;
    readonly #class: ReturnType<typeof webSocketFor>;

    constructor(url: string, options: { readonly WebSocket: ReturnType<typeof webSocketFor> }) {
      this.#class = options.WebSocket;
      this.#connect(url);
    }

    #connect(url: string): void {
      const socket = new this.#class(url, ["graphql-transport-ws"]);
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        this.opened += 1;
        if (socket.readyState === this.#class.OPEN) socket.send(JSON.stringify({ type: "connection_init" }));
      };
      socket.onmessage = ({ data }) => this.messages.push(JSON.parse(data));
      socket.onclose = ({ wasClean }) => {
        if (!wasClean) this.#connect(url);
      };
    }

    close(): void {
      this.#socket?.close(1000, "bye");
    }
  }

  test("connects by the session, and again when the connection is lost", async () => {
    const net = new SocketNet((request) => switched(request, "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"));
    const { WebSocketClass } = bound(net);
    const library = new Library("wss://h.test/graphql", { WebSocket: WebSocketClass });
    await settled();
    expect(net.peer().texts).toEqual(['{"type":"connection_init"}']);
    net.peer().send(textFrame('{"type":"connection_ack"}'));
    await settled();
    net.peer().connection.reset();
    await settled();
    expect(library.opened).toBe(2);
    expect(library.messages).toEqual([{ type: "connection_ack" }]);
    library.close();
    await settled();
    expect(net.peer().closeCodes).toEqual([1000]);
    expect(net.connections).toHaveLength(2);
  });
});
