/**
 * What Node itself can do at best: plain sockets, to each of which one ready buffer is written. No handshake but its answer, nothing is read, nobody is
 * watched. It shows how much of a broadcast is the system's.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { PushAdapter } from "./push-adapter.js";

const UPGRADED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
/** Of a text of 126 to 65,535 bytes, in one frame: RFC 6455 §5.2. */
const HEAD_BYTES = 4;

export const start: PushAdapter = async () => {
  const sockets: Socket[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      socket.pause();
      socket.write(UPGRADED);
      sockets.push(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async broadcast(data) {
      const text = JSON.stringify({ ts: Date.now(), data });
      const length = Buffer.byteLength(text);
      const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
      frame.writeUInt16BE(0x817e);
      frame.writeUInt16BE(length, 2);
      frame.write(text, HEAD_BYTES);
      for (const socket of sockets) socket.write(frame);
    },
  };
};
