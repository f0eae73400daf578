/**
 * What a socket knows about its other end, read once: a `PeerInfo` outlives the connection it describes.
 */

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { PeerInfo, TlsInfo } from "./transport.js";

/** An address as a handle of Node's tells it. */
interface Place {
  readonly address?: string;
  readonly port?: number;
}

/** Node's own (decision 31): asked directly, because a socket that is asked keeps what it said in objects of its own, for every connection. */
interface Handle {
  getpeername(place: Place): number;
  getsockname(place: Place): number;
}

/** Of the connection described last: a server's are mostly at the same one, which is kept once. */
let lastLocalAddress: string | undefined;

/** Addresses, and on TLS the outcome of the handshake; call it while the socket is connected. */
export function describePeer(socket: Socket): PeerInfo {
  const handle: unknown = Reflect.get(socket, "_handle");
  const told = tellsPlaces(handle);
  const remote = told ? placeOf((place) => handle.getpeername(place)) : remotePlaceOf(socket);
  const local = told ? placeOf((place) => handle.getsockname(place)) : localPlaceOf(socket);
  if (local.address !== lastLocalAddress) lastLocalAddress = local.address;
  return {
    remoteAddress: remote.address,
    remotePort: remote.port,
    localAddress: lastLocalAddress,
    localPort: local.port,
    tls: isTlsSocket(socket) ? describeTls(socket) : undefined,
  };
}

function tellsPlaces(handle: unknown): handle is Handle {
  if (typeof handle !== "object" || handle === null) return false;
  return "getpeername" in handle && "getsockname" in handle;
}

/** Nothing where the system refuses: the connection is gone. */
function placeOf(ask: (place: Place) => number): Place {
  const place: Place = {};
  return ask(place) === 0 ? place : {};
}

function remotePlaceOf({ remoteAddress: address, remotePort: port }: Socket): Place {
  return { ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port }) };
}

function localPlaceOf({ localAddress: address, localPort: port }: Socket): Place {
  return { ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port }) };
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
