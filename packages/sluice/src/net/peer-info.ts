/**
 * What a socket knows about its other end, read once: a `PeerInfo` outlives the connection it describes.
 */

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { PeerInfo, TlsInfo } from "./transport.js";

/** Addresses, and on TLS the outcome of the handshake; call it while the socket is connected. */
export function describePeer(socket: Socket): PeerInfo {
  return {
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    localAddress: socket.localAddress,
    localPort: socket.localPort,
    tls: isTlsSocket(socket) ? describeTls(socket) : undefined,
  };
}

/** Protocol version, cipher, ALPN and trust as agreed in a finished handshake. */
export function describeTls(socket: TLSSocket): TlsInfo {
  const servername: unknown = Reflect.get(socket, "servername"); // false on a server when no name was sent
  return {
    protocol: socket.getProtocol() ?? "unknown",
    cipher: socket.encrypted && !socket.destroyed ? socket.getCipher().name : "unknown",
    alpn: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : undefined,
    servername: typeof servername === "string" && servername !== "" ? servername : undefined,
    authorized: socket.authorized,
    resumed: socket.isSessionReused(),
  };
}

// node:tls is not loaded for this question: a program that never uses TLS does not pay for it.
function isTlsSocket(socket: Socket): socket is TLSSocket {
  return "encrypted" in socket && socket.encrypted === true;
}
