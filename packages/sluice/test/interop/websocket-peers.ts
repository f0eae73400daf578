/** WebSocket servers that other people wrote, which say back what they are told; ended by `closeAll`. */
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { SERVER } from "../net/certificates.js";
import { aiohttpPython, autobahnPython, peerFile, startedServer } from "./peer-process.js";
import { atEnd, FILES, type Scheme } from "./places.js";

export const PROTOCOL = "sluice.test";

/** ws; its port. */
export async function startedWs(scheme: Scheme): Promise<number> {
  const http = scheme === "https" ? createTlsServer(SERVER) : createServer();
  const server = new WebSocketServer({
    server: http,
    perMessageDeflate: true,
    maxPayload: 16 * 1024 * 1024,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  server.on("connection", (socket) => {
    socket.on("message", (bytes, isBinary) => {
      const text = isBinary ? "" : String(bytes);
      if (text.startsWith("close ")) socket.close(Number(text.slice(6)), "as you wish");
      else socket.send(bytes, { binary: isBinary });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  atEnd(async () => {
    for (const client of server.clients) client.terminate();
    server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return (http.address() as AddressInfo).port;
}

/** aiohttp's server; its port. */
export function startedAiohttp(scheme: Scheme): Promise<number> {
  return startedServer(aiohttpPython, [peerFile("websocket_aiohttp.py"), ...tlsFiles(scheme)]);
}

/** autobahn's server; its port. */
export function startedAutobahn(scheme: Scheme): Promise<number> {
  return startedServer(autobahnPython, [peerFile("websocket_autobahn.py"), ...tlsFiles(scheme)]);
}

function tlsFiles(scheme: Scheme): string[] {
  return scheme === "https" ? [FILES.certificate, FILES.key] : [];
}
