/**
 * Starts one connection attempt to one address: the socket with the options every client connection has, and the transport
 * over it, which holds everything back until somebody attaches.
 */

import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { ReadBuffer } from "./read-buffer.js";
import { SocketTransport } from "./socket-transport.js";

/** One place to connect to: an IP address with its port, or the path of a Unix socket. */
export type Place =
  | { readonly address: string; readonly port: number; readonly localAddress: string | undefined }
  | { readonly path: string };

/** A socket on its way ('connect', then with TLS 'secureConnect', or 'error'), and its transport. */
export interface OpeningSocket {
  readonly socket: Socket;
  readonly transport: SocketTransport;
}

/**
 * Connects to `place`; with `tls`, the handshake begins when the connection is there. The bytes are read into `readBuffer`.
 * Throws what Node throws at once for an impossible address.
 */
export function openSocket(place: Place, tls: ConnectionOptions | undefined, readBuffer: ReadBuffer): OpeningSocket {
  const onread = { buffer: readBuffer.bytes, callback: (byteCount: number) => transport.receiveLent(byteCount) };
  const options = { ...tls, ...connectOptions(place), onread };
  // node:tls is loaded when it is first needed: it doubles the time that importing this library takes.
  const socket: Socket = tls === undefined ? connect(options) : process.getBuiltinModule("node:tls").connect(options);
  socket.setNoDelay(true);
  const transport = new SocketTransport(socket, readBuffer);
  return { socket, transport };
}

function connectOptions(place: Place): NetConnectOpts {
  if ("path" in place) return { path: place.path, allowHalfOpen: true };
  const { address, port, localAddress } = place;
  return { host: address, port, allowHalfOpen: true, ...(localAddress === undefined ? {} : { localAddress }) };
}
