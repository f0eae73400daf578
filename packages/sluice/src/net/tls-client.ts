/**
 * The client's side of TLS: which name is asked for and proven (RFC 9110 §4.3.4, RFC 6066 §3), which authorities count.
 *
 * Node is told not to reject on its own: it would destroy the socket before anyone can see whose certificate it was. The
 * outcome of its checks is in `socket.authorized`, and `verifyServer` must be asked before a byte is written or read.
 */

import { isIP } from "node:net";
import type { ConnectionOptions, SecureContext, TLSSocket } from "node:tls";
import { type TlsError, UsageError } from "../errors.js";
import { refuseUnknown } from "../options.js";
import { notPinnedError, untrustedError } from "./tls-error.js";
import { bytesOf } from "./tls-material.js";
import { pinMismatch, pinsOf } from "./tls-pins.js";
import type { TlsSessions } from "./tls-sessions.js";

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
  /**
   * What the server must show, whoever signed it: SHA-256 of its certificate in hexadecimal, with colons or without, or of its
   * public key as `sha256//` and base64 (RFC 7469 §2.4); of several, one. Checked before a byte of a request is sent. It adds to the
   * other checks; with `rejectUnauthorized: false` it stands alone, which is how to trust one certificate that nobody signed.
   * Throws `options/bad-fingerprint`.
   */
  readonly fingerprint?: string | readonly string[] | undefined;
  /** Most places whose TLS sessions are kept, to be resumed on the next connection (RFC 8446 §2.2); 0: none. @default 100 */
  readonly maxCachedSessions?: number | undefined;
  /** Protocols offered by ALPN (RFC 7301), best first. @default ["http/1.1"] */
  readonly alpn?: readonly string[] | undefined;
  /**
   * Made by `tls.createSecureContext`, for what has no option here: ciphers, curves, revocation lists, PKCS 12. In place of `ca`,
   * `cert`, `key`, `passphrase` and `minVersion`: with one of them it is refused (`options/conflict`).
   */
  readonly secureContext?: SecureContext | undefined;
}

/** As many as Node's own agents keep. */
export const DEFAULT_CACHED_SESSIONS = 100;

const KNOWN: ReadonlySet<string> = new Set<keyof TlsClientOptions>([
  "servername",
  "ca",
  "cert",
  "key",
  "passphrase",
  "rejectUnauthorized",
  "minVersion",
  "fingerprint",
  "maxCachedSessions",
  "alpn",
  "secureContext",
]);

/** What a context of the caller's says already. */
const IN_CONTEXT = ["ca", "cert", "key", "passphrase", "minVersion"] as const;

/** Throws {@link UsageError} for options that cannot be; certificates and keys are read with the first connection. */
export function checkTlsOptions(what: string, options: TlsClientOptions): void {
  refuseUnknown(what, options, KNOWN);
  const { fingerprint, maxCachedSessions = DEFAULT_CACHED_SESSIONS, minVersion, secureContext } = options;
  const twice = secureContext === undefined ? undefined : IN_CONTEXT.find((name) => options[name] !== undefined);
  if (twice !== undefined) {
    const message = `Cannot use ${what}.secureContext together with ${what}.${twice}: give one of them`;
    throw new UsageError("options/conflict", message);
  }
  if (fingerprint !== undefined) pinsOf(fingerprint);
  if (!(maxCachedSessions >= 0)) {
    const message = `Cannot use ${what}.maxCachedSessions: expected 0 or more, received ${maxCachedSessions}`;
    throw new UsageError("options/out-of-range", message);
  }
  if (minVersion !== undefined && minVersion !== "TLSv1.2" && minVersion !== "TLSv1.3") {
    const message = `Cannot use ${what}.minVersion: expected TLSv1.2 or TLSv1.3, received ${String(minVersion)}`;
    throw new UsageError("options/unknown-value", message);
  }
}

/** Where TLS is spoken. */
export interface TlsPlace {
  /** Without the brackets of an IPv6 literal. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsClientOptions | undefined;
  /** Goes before the name in `tls`. */
  readonly servername: string | undefined;
  /** Keeps apart sessions that are not to be resumed on each other's ways there. */
  readonly scope: string;
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

/** What sessions are kept under: a resumed one proves nothing anew, so the name once proven is in it. */
export function sessionKeyOf(place: TlsPlace): string {
  return `${place.scope}\n${place.host}:${place.port}\n${nameToProve(place)}`;
}

/** Options for tls.connect. Throws {@link UsageError} `options/bad-certificate` when ca, cert or key cannot be read. */
export function nodeTlsOptions(place: TlsPlace, options: TlsClientOptions, sessions: TlsSessions): ConnectionOptions {
  const tls = process.getBuiltinModule("node:tls");
  const proven = nameToProve(place);
  const session = sessions.take(options, sessionKeyOf(place));
  return {
    ...(session === undefined ? {} : { session }),
    secureContext: secureContextOf(options),
    servername: nameToSend(place) ?? "",
    ALPNProtocols: [...(options.alpn ?? ["http/1.1"])],
    rejectUnauthorized: false,
    checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(proven, certificate),
  };
}

/** After 'secureConnect': undefined if the server is who it should be (or need not be), else why not. */
export function verifyServer(socket: TLSSocket, place: TlsPlace): TlsError | undefined {
  const { rejectUnauthorized, fingerprint } = place.tls ?? {};
  const shown = `${place.host}:${place.port}`;
  if (!socket.authorized && rejectUnauthorized !== false) return untrustedError(socket, nameToProve(place), shown);
  // Of a resumed session there is no certificate to be seen; it was kept because it had passed under these very settings.
  if (fingerprint === undefined || socket.isSessionReused()) return undefined;
  const mismatch = pinMismatch(socket.getPeerCertificate().raw, pinsOf(fingerprint));
  return mismatch === undefined ? undefined : notPinnedError(socket, shown, mismatch);
}

function secureContextOf(options: TlsClientOptions): SecureContext {
  const known = options.secureContext ?? contexts.get(options);
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
