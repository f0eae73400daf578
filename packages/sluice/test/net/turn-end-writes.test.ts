/** What leaves at once and what waits for the end of the turn, counted where the system would be called. */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { nextTurn } from "../../src/concurrency/clock.js";
import { SocketTransport } from "../../src/net/socket-transport.js";

/** Above this, text goes to the socket in the turn that wrote it. */
const KEPT_BYTES = 8 * 1024;

interface Counted {
  readonly transport: SocketTransport;
  readonly socket: Duplex;
  /** What each call to the system was given. */
  readonly calls: string[];
  /** Lets calls that the system holds up go on. */
  unblock(): void;
}

function counted({ blocked = false } = {}): Counted {
  const calls: string[] = [];
  const held: (() => void)[] = [];
  let holding = blocked;
  const done = (callback: () => void) => {
    if (holding) held.push(callback);
    else callback();
  };
  const socket = new Duplex({
    decodeStrings: false,
    read: () => undefined,
    write(chunk: string | Buffer, _encoding, callback) {
      calls.push(chunk.toString("latin1"));
      done(callback);
    },
    writev(chunks, callback) {
      calls.push(chunks.map(({ chunk }) => (chunk as string | Buffer).toString("latin1")).join("|"));
      done(callback);
    },
    final(callback) {
      calls.push("FIN");
      callback();
    },
  });
  const unblock = () => {
    holding = false;
    for (const callback of held.splice(0)) callback();
  };
  return { transport: new SocketTransport(socket as unknown as Socket), socket, calls, unblock };
}

describe("small writes on a socket", () => {
  test("leave in one call when the turn is over, and not before", async () => {
    const { transport, calls } = counted();
    expect(transport.write("one ")).toBe(true);
    expect(transport.write("two ")).toBe(true);
    await Promise.resolve();
    transport.write("three");
    expect(calls).toEqual([]);
    expect(transport.bufferedBytes).toBe("one two three".length);
    await nextTurn();
    expect(calls).toEqual(["one two three"]);
    expect(transport.bufferedBytes).toBe(0);
  });

  test("leave in the order of the turn's first writes, each connection by itself", async () => {
    const order: string[] = [];
    const [first, second] = [counted(), counted()];
    for (const [name, { socket }] of Object.entries({ first, second })) {
      socket._write = (_chunk, _encoding, callback) => {
        order.push(name);
        callback();
      };
    }
    second.transport.write("a");
    first.transport.write("b");
    second.transport.write("c");
    await nextTurn();
    expect(order).toEqual(["second", "first"]);
  });

  test("of one turn after another leave in one call each", async () => {
    const { transport, calls } = counted();
    for (const text of ["a", "b"]) {
      transport.write(text);
      await nextTurn();
    }
    expect(calls).toEqual(["a", "b"]);
  });

  test.each([
    ["exactly at the limit", KEPT_BYTES, 0],
    ["one byte past it", KEPT_BYTES + 1, 1],
  ])("that are %s together", async (_what, bytes, atOnce) => {
    const { transport, calls } = counted();
    transport.write("x".repeat(bytes - 1));
    transport.write("y");
    expect(calls.length).toBe(atOnce === 0 ? 0 : 2);
    await nextTurn();
    expect(calls.join("").length).toBe(bytes);
    expect(calls.join("").endsWith("y")).toBe(true);
  });

  test("go out before bytes, UTF-8 and large text that are written behind them", async () => {
    for (const behind of [Buffer.from("bytes"), "x".repeat(KEPT_BYTES + 1)]) {
      const { transport, calls } = counted();
      transport.write("head ");
      transport.write(behind);
      expect(calls).toEqual(["head ", behind.toString()]);
      await nextTurn();
      expect(calls.length).toBe(2);
    }
    const { transport, calls } = counted();
    transport.write("head ");
    transport.write("text", "utf8");
    expect(calls).toEqual(["head ", "text"]);
  });

  test("join a corked write behind them in one call", () => {
    const { transport, calls } = counted();
    transport.cork();
    transport.write("head ");
    transport.write(Buffer.from("body"));
    transport.uncork();
    expect(calls).toEqual(["head |body"]);
  });

  test("queue up behind what the system has not taken, in order", async () => {
    const { transport, calls, unblock } = counted({ blocked: true });
    transport.write(Buffer.from("first "));
    transport.write("second ");
    transport.write("third");
    await nextTurn();
    expect(calls).toEqual(["first "]);
    unblock();
    await nextTurn();
    expect(calls.join("")).toBe("first second |third");
  });

  test("leave before FIN, and before the connection is given up", async () => {
    const ended = counted();
    ended.transport.write("last words");
    ended.transport.end();
    await nextTurn();
    expect(ended.calls).toEqual(["last words", "FIN"]);
    for (const error of [undefined, new Error("enough")]) {
      const given = counted();
      given.transport.write("last words");
      given.transport.destroy(error);
      expect(given.calls).toEqual(["last words"]);
      await nextTurn();
      expect(given.calls).toEqual(["last words"]);
    }
  });

  test("are dropped when the connection has broken meanwhile", async () => {
    const { transport, socket, calls } = counted();
    transport.write("too late");
    socket.destroy();
    await nextTurn();
    expect(calls).toEqual([]);
  });
});
