/**
 * The client's side of TLS: which name is asked for and proven (RFC 9110 §4.3.4, RFC 6066 §3), which authorities count.
 *
 * Node is told not to reject on its own: it would destroy the socket before anyone can see whose certificate it was. The
 * outcome of its checks is in `socket.authorized`, and `verifyServer` must be asked before a byte is written or read.
 */

import { isIP } from "node:net";
import type { ConnectionOptions, SecureContext, TLSSocket } from "node:tls";
import { type TlsError, UsageError } from "../errors.js";
import { untrustedError } from "./tls-error.js";
import { bytesOf } from "./tls-material.js";

/** How to speak TLS to a server. PEM as text or bytes. */
export interface TlsClientOptions {
  /** Name to ask for (SNI) and to find in the certificate, instead of the host. */
  readonly servername?: string | undefined;
  /** Authorities trusted instead of Node's own list. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** Client certificate, followed by its intermediates; needs `key`. */
  readonly cert?: string | Uint8Array | undefined;
  /** Private key of `cert`. */
  readonly key?: string | Uint8Array | undefined;
  /** Opens an encrypted `key`. */
  readonly passphrase?: string | undefined;
  /** Whether a certificate that cannot be trusted ends the connection. Off, anyone on the way can read along. @default true */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Oldest protocol version to speak. @default "TLSv1.2" */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  /** Protocols offered by ALPN (RFC 7301), best first. @default ["http/1.1"] */
  readonly alpn?: readonly string[] | undefined;
}

/** Where TLS is spoken. */
export interface TlsPlace {
  /** Without the brackets of an IPv6 literal. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsClientOptions | undefined;
  /** Goes before the name in `tls`. */
  readonly servername: string | undefined;
}

/** Certificates parsed once for all connections with the same options object. */
const contexts = new WeakMap<TlsClientOptions, SecureContext>();

/** The name that must be in the certificate. A trailing dot says "absolute" to DNS only (RFC 6066 §3 excludes it). */
export function nameToProve({ host, servername, tls }: TlsPlace): string {
  const name = servername ?? tls?.servername ?? host;
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** The name sent as SNI, or undefined: IP addresses are not sent (RFC 6066 §3). */
export function nameToSend(place: TlsPlace): string | undefined {
  const name = nameToProve(place);
  return name === "" || isIP(name) !== 0 ? undefined : name;
}

/** Options for tls.connect. Throws {@link UsageError} `options/bad-certificate` when ca, cert or key cannot be read. */
export function nodeTlsOptions(place: TlsPlace, options: TlsClientOptions): ConnectionOptions {
  const tls = process.getBuiltinModule("node:tls");
  const proven = nameToProve(place);
  return {
    secureContext: secureContextOf(options),
    servername: nameToSend(place) ?? "",
    ALPNProtocols: [...(options.alpn ?? ["http/1.1"])],
    rejectUnauthorized: false,
    checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(proven, certificate),
  };
}

/** After 'secureConnect': undefined if the server is who it should be (or need not be), else why not. */
export function verifyServer(socket: TLSSocket, place: TlsPlace): TlsError | undefined {
  if (socket.authorized || place.tls?.rejectUnauthorized === false) return undefined;
  return untrustedError(socket, nameToProve(place), `${place.host}:${place.port}`);
}

function secureContextOf(options: TlsClientOptions): SecureContext {
  const known = contexts.get(options);
  if (known !== undefined) return known;
  const { ca, cert, key, passphrase } = options;
  try {
    const made = process.getBuiltinModule("node:tls").createSecureContext({
      minVersion: options.minVersion ?? "TLSv1.2",
      ...(ca === undefined ? {} : { ca: [ca].flat().map(bytesOf) }),
      ...(cert === undefined ? {} : { cert: bytesOf(cert) }),
      ...(key === undefined ? {} : { key: bytesOf(key) }),
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    contexts.set(options, made);
    return made;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError("options/bad-certificate", `Cannot use ca, cert or key: ${reason}`, { cause });
  }
}
