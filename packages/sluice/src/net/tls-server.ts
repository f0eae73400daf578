/**
 * The TLS side of a listener: which certificate a client gets, by the name it asks for (SNI, RFC 6066 §3), and how all of them are
 * replaced while the listener goes on. A handshake uses what holds when it begins; connections keep what they have.
 */

import type { SecureContext, SecureContextOptions, Server, TlsOptions } from "node:tls";
import { UsageError } from "../errors.js";
import { HostMap, hostNameOf, readHostPattern } from "../http/hosts.js";
import { refuseUnknown, requireObject, requireOneOf } from "../options.js";
import { bytesOf } from "./tls-material.js";

/** A certificate and what belongs to it. PEM as text or bytes. */
export interface TlsIdentity {
  /** Private key of the certificate. */
  readonly key: string | Uint8Array;
  /** Certificate, followed by its intermediates. */
  readonly cert: string | Uint8Array;
  /** Opens an encrypted `key`. */
  readonly passphrase?: string | undefined;
  /** Authorities that client certificates are checked against. @default of a host, what holds for all; of all, Node's own list */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
}

/** All certificates of a listener: what can be replaced while it listens. */
export interface TlsMaterial extends TlsIdentity {
  /**
   * Other certificates for clients that ask for these hosts: `"example.com"`, or `"*.example.com"` for any one label; the exact name goes
   * first. Every other client gets `cert`. `UsageError` `host/pattern` for what is no host.
   */
  readonly hosts?: Readonly<Record<string, TlsIdentity>> | undefined;
}

/** Certificates and rules for the TLS side of a listener. */
export interface ServerTlsOptions extends TlsMaterial {
  /**
   * Whether clients must prove themselves with a certificate: `"require"` refuses those that cannot, `"request"` lets them
   * in with `authorized: false`. @default "none"
   */
  readonly clientCertificate?: "none" | "request" | "require" | undefined;
  /** Oldest protocol version accepted. @default "TLSv1.2" */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  /** Protocols offered by ALPN (RFC 7301), best first; a client that shares none is refused. @default ["http/1.1", "http/1.0"] */
  readonly alpn?: readonly string[] | undefined;
  /** Longest handshake in milliseconds; the connection is closed after it. @default 10_000 */
  readonly handshakeTimeout?: number | undefined;
}

/** A client that stalls in its handshake holds a descriptor; Node's own default is two minutes. */
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;
const DEFAULT_MIN_VERSION = "TLSv1.2";
const MIN_VERSIONS: readonly string[] = ["TLSv1.2", "TLSv1.3"];
/** A word that is none of them must not let in who has no certificate. */
const CLIENT_CERTIFICATE: readonly string[] = ["none", "request", "require"];
const IDENTITY_NAMES: readonly string[] = ["key", "cert", "passphrase", "ca"];
const IDENTITY: ReadonlySet<string> = new Set(IDENTITY_NAMES);
const MATERIAL: ReadonlySet<string> = new Set([...IDENTITY_NAMES, "hosts"]);
const ALL: ReadonlySet<string> = new Set([...MATERIAL, "clientCertificate", "minVersion", "alpn", "handshakeTimeout"]);

/** Everything that handshakes are done with. */
interface Contexts {
  readonly everybody: SecureContextOptions;
  readonly hosts: HostMap<SecureContext>;
}

/** See the head of this file. */
export class TlsServer {
  readonly server: Server;
  readonly #minVersion: "TLSv1.2" | "TLSv1.3";
  #hosts: HostMap<SecureContext>;

  /** Throws `UsageError` `listen/bad-certificate` when a key or certificate cannot be used, `options/…`, `host/pattern`. */
  constructor(options: ServerTlsOptions) {
    requireObject("tls", options);
    refuseUnknown("tls", options, ALL);
    const { clientCertificate = "none", minVersion = DEFAULT_MIN_VERSION } = options;
    requireOneOf("tls.clientCertificate", clientCertificate, CLIENT_CERTIFICATE);
    requireOneOf("tls.minVersion", minVersion, MIN_VERSIONS);
    this.#minVersion = minVersion;
    const { everybody, hosts } = readMaterial(options, minVersion);
    this.#hosts = hosts;
    const rules: TlsOptions = {
      // Half-open only from the handshake on: before, a client that has ended is gone, and need not be waited for.
      allowHalfOpen: false,
      noDelay: true,
      ALPNProtocols: [...(options.alpn ?? ["http/1.1", "http/1.0"])],
      handshakeTimeout: options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT_MS,
      requestCert: clientCertificate !== "none",
      rejectUnauthorized: clientCertificate === "require",
      SNICallback: (name, done) => done(null, this.#hosts.find(hostNameOf(name))),
    };
    this.server = process.getBuiltinModule("node:tls").createServer({ ...rules, ...everybody });
  }

  /** Handshakes from now on use these. Throws as the constructor does; what held before holds on then. */
  replace(material: TlsMaterial): void {
    requireObject("tls", material);
    refuseUnknown("reloadTls", material, MATERIAL);
    const { everybody, hosts } = readMaterial(material, this.#minVersion);
    this.server.setSecureContext(everybody);
    this.#hosts = hosts;
  }
}

function readMaterial(material: TlsMaterial, minVersion: "TLSv1.2" | "TLSv1.3"): Contexts {
  const { hosts: given = {} } = material;
  requireObject("tls.hosts", given);
  const everybody = { ...readIdentity(material, "tls"), minVersion };
  makeContext(everybody, "tls");
  const hosts = new HostMap<SecureContext>();
  for (const [pattern, identity] of Object.entries(given)) {
    const where = `tls.hosts["${pattern}"]`;
    requireObject(where, identity);
    refuseUnknown(where, identity, IDENTITY);
    const context = makeContext({ ca: everybody.ca, ...readIdentity(identity, where), minVersion }, where);
    if (hosts.add(readHostPattern(pattern), context)) continue;
    throw new UsageError("host/pattern", `Cannot use ${where}: another spelling of the same host has a certificate`);
  }
  return { everybody, hosts };
}

function readIdentity({ key, cert, passphrase, ca }: TlsIdentity, where: string): SecureContextOptions {
  if (isMissing(key) || isMissing(cert)) {
    const missing = isMissing(key) ? "key" : "cert";
    throw new UsageError("listen/bad-certificate", `Cannot listen with TLS: \`${where}.${missing}\` is not given`);
  }
  return {
    key: bytesOf(key),
    cert: bytesOf(cert),
    ...(ca === undefined ? {} : { ca: [ca].flat().map(bytesOf) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

/** Node takes empty material for none, and would listen without. */
function isMissing(material: string | Uint8Array | undefined): boolean {
  return material === undefined || material === null || material.length === 0;
}

function makeContext(options: SecureContextOptions, where: string): SecureContext {
  try {
    return process.getBuiltinModule("node:tls").createSecureContext(options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot listen with TLS: key or certificate of \`${where}\` refused: ${reason}`;
    throw new UsageError("listen/bad-certificate", message, { cause });
  }
}
