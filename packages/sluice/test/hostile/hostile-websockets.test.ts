/** Every fault that frames can have, against a server in a process of its own: that socket is closed with the code that fits, and no other. */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Server } from "../../src/server/server.js";
import { startServerProcess } from "../server/life/server-process.js";
import type { Fields } from "../server/websocket/handshake-setup.js";
import { closing, frame, RawSocket } from "../server/websocket/raw-socket.js";

const PROGRAM = `
  const app = new Application({ onError: (error) => console.error("REPORTED", error) });
  app.websocket("/echo", { compress: { threshold: 0 }, maxMessageSize: 1000 }, async (socket) => {
    for await (const message of socket) await socket.send(message);
  });
  process.on("uncaughtException", (error) => console.error("UNCAUGHT", error));
  process.on("unhandledRejection", (error) => console.error("UNHANDLED", error));
  const server = await listen(app, {});
  process.on("SIGTERM", () => server.close({ grace: 1000 }).then(() => console.log(server.connections.open + " open")));
`;
const DEFLATE: Fields = { "sec-websocket-extensions": "permessage-deflate" };
const text = (payload: string | Uint8Array, parts = {}) => frame(1, payload, parts);
/** Compressed: "hello" as RFC 7692 §7.2.3.1 has it. */
const HELLO = Buffer.from("ca48cdc9c90700", "hex");

const FAULTS: readonly (readonly [what: string, wire: Buffer, code: number, fields?: Fields])[] = [
  ["a frame without mask", text("x", { masked: false }), 1002],
  ["RSV1 without an extension", text("x", { reserved: 4 }), 1002],
  ["RSV2", text("x", { reserved: 2 }), 1002],
  ["RSV3", text("x", { reserved: 1 }), 1002],
  ["RSV2 on compressed data", text(HELLO, { reserved: 6 }), 1002, DEFLATE],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, frame(opcode), 1002] as const),
  ["a ping of 126 bytes", frame(9, "x".repeat(126)), 1002],
  ["a ping in fragments", frame(9, "x", { fin: false }), 1002],
  ["a compressed ping", frame(9, HELLO, { reserved: 4 }), 1002, DEFLATE],
  ["a length of 16 bits that fits 7", text("x", { length: [126, 0, 1] }), 1002],
  ["a length of 64 bits that fits 16", text("x", { length: [127, 0, 0, 0, 0, 0, 0, 0, 1] }), 1002],
  ["a length of 2^63", text("", { length: [127, 128, 0, 0, 0, 0, 0, 0, 0] }), 1002],
  ["a continuation of nothing", frame(0, "x"), 1002],
  ["a new message within another", Buffer.concat([text("x", { fin: false }), text("y")]), 1002],
  [
    "RSV1 on a continuation",
    Buffer.concat([text(HELLO, { fin: false, reserved: 4 }), frame(0, "", { reserved: 4 })]),
    1002,
    DEFLATE,
  ],
  ["text that is no UTF-8", text(Buffer.from([0xc3, 0x28])), 1007],
  ["half a character at the end", text(Buffer.from([0xe2, 0x82])), 1007],
  ["a surrogate", text(Buffer.from([0xed, 0xa0, 0x80])), 1007],
  ["bad UTF-8 in the first of many fragments", text(Buffer.from([0xf8]), { fin: false }), 1007],
  ["compressed bytes that are none", text(Buffer.from([0xff, 0xff, 0xff]), { reserved: 4 }), 1007, DEFLATE],
  ["a message beyond the limit", frame(2, Buffer.alloc(1_001)), 1009],
  ["a head that announces 2^62 bytes", frame(2, "", { length: [127, 64, 0, 0, 0, 0, 0, 0, 0] }), 1009],
  [
    "fragments beyond the limit",
    Buffer.concat([frame(2, Buffer.alloc(600), { fin: false }), frame(0, Buffer.alloc(600))]),
    1009,
  ],
  ["a Close of one byte", frame(8, "x"), 1002],
  ...[0, 999, 1004, 1005, 1006, 1015, 2000, 2999, 5000, 65_535].map(
    (code) => [`close code ${code}`, frame(8, closing(code)), 1002] as const,
  ),
  ["a reason that is no UTF-8", frame(8, Buffer.concat([closing(1000), Buffer.from([0xff])])), 1007],
];

describe("a server's sockets", () => {
  test("are closed one by one for what was done on them, and the process goes on", async () => {
    const { child, host, port, ended } = await startServerProcess(PROGRAM);
    const server = { address: { host, port } } as unknown as Server;
    const witness = await RawSocket.open(server, "/echo", DEFLATE);
    for (const [what, wire, code, fields] of FAULTS) {
      for (const pieces of [[wire], [...wire].map((byte) => Buffer.from([byte]))]) {
        const socket = await RawSocket.open(server, "/echo", fields);
        socket.client.socket.setNoDelay(true);
        for (const piece of pieces) if (!socket.client.closed) socket.send(piece);
        expect([what, (await socket.untilClosing())[0]]).toEqual([what, code]);
        socket.client.socket.destroy();
      }
    }
    // A bomb: a kilobyte that inflates to a megabyte.
    const bomb = await RawSocket.open(server, "/echo", DEFLATE);
    const { deflateRawSync } = await import("node:zlib");
    bomb.send(text(deflateRawSync(Buffer.alloc(1 << 20)), { reserved: 4 }));
    expect((await bomb.untilClosing())[0]).toBe(1009);
    // Noise, and clients that leave in the middle of everything.
    for (let count = 0; count < 60; count += 1) {
      const socket = await RawSocket.open(server, "/echo", count % 2 === 0 ? DEFLATE : {});
      socket.send(randomBytes(1 + count * 17));
      if (count % 3 === 0) socket.client.socket.resetAndDestroy();
      else socket.client.socket.destroy();
    }
    const early = await RawSocket.open(server, "/echo", {}, Buffer.concat([text("early"), text("still early")]));
    expect((await early.untilFrames(2)).map(({ payload }) => payload.toString())).toEqual(["early", "still early"]);
    early.client.socket.destroy();

    witness.send(text(HELLO, { reserved: 4 }));
    const [answer] = await witness.untilFrames(1);
    expect(answer).toMatchObject({ opcode: 1, compressed: true });
    child.kill("SIGTERM");
    expect((await witness.untilClosing())[0]).toBe(1001);
    witness.send(frame(8, closing(1001)));
    const { code, output, errors } = await ended;
    expect([code, errors]).toEqual([0, ""]);
    expect(output).toContain("0 open");
  }, 90_000);
});
