/**
 * The proxy on a connection's way, as dialing sees it: another host to connect to first, and a handshake that opens the tunnel.
 * What is said in that handshake is the caller's business: HTTP's CONNECT is above this layer, SOCKS is in `socks-tunnel.ts`.
 */

import { ProxyError, SluiceError, UsageError } from "../errors.js";
import type { TlsClientOptions } from "./tls-client.js";
import type { Transport } from "./transport.js";

/** A proxy that a connection goes through. */
export interface ProxyHop {
  /** The proxy's own name or IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** For messages and counts: scheme, host and port, no credentials. */
  readonly label: string;
  /** Speak TLS with the proxy itself. */
  readonly tls?: TlsClientOptions | undefined;
  /** Opens the way to the target; absent where the proxy itself is spoken to. */
  readonly openTunnel?: OpenTunnel | undefined;
}

/**
 * Asks a proxy, on a connection nothing was said on, for a tunnel. `done` is called once, later, unless it is cancelled: with
 * an error, or with the bytes that came behind the proxy's consent.
 */
export type OpenTunnel = (transport: Transport, done: TunnelDone) => TunnelOpening;

/** Hears how asking for a tunnel ended. */
export type TunnelDone = (error: Error | undefined, rest: Uint8Array) => void;

/** A tunnel being opened. */
export interface TunnelOpening {
  /** Stops listening; the transport is the caller's to destroy. */
  cancel(): void;
}

/** `error`, which came up on the way to the proxy, as the proxy's. A mistake of the caller's stays one. */
export function unreachableProxy({ label }: ProxyHop, error: Error): Error {
  if (error instanceof UsageError) return error;
  const phase = error instanceof SluiceError ? error.phase : "connect";
  const message = `Cannot reach the proxy ${label}: ${error.message}`;
  return new ProxyError("proxy/unreachable", message, { cause: error, phase });
}
