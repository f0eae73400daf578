/**
 * Asks a SOCKS proxy for a tunnel: version 4 and 4a, version 5 (RFC 1928) with and without a password (RFC 1929). The `socks`
 * library does the talking, on a stream over our own transport: connecting, time limits, names and what comes behind the
 * handshake stay ours.
 */

import { Duplex } from "node:stream";
import { ProxyError } from "../errors.js";
import type { OpenTunnel, TunnelDone, TunnelOpening } from "./proxy-hop.js";
import type { Transport, TransportHandler } from "./transport.js";

/**
 * The library has a timer of its own, which only its firing removes. Ours is earlier wherever it is at most this long; beyond, a
 * proxy that says nothing is given up here.
 */
const LONGEST_HANDSHAKE_MS = 600_000;
/** So much later than our own limit, which is to be the one that tells of it. */
const TIMER_MARGIN_MS = 1_000;
const NO_BYTES = new Uint8Array(0);

/** What to ask for, and of whom. */
export interface SocksRequest {
  readonly version: 4 | 5;
  /** The target: a name lets the proxy look it up; an address, IPv6 without brackets, does not. */
  readonly host: string;
  readonly port: number;
  /** At most 255 bytes each (RFC 1929 §2); version 4 has a user name only, which is sent without proof. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** The proxy, as messages name it. */
  readonly label: string;
  /** The caller's own limit on all of it, in milliseconds. */
  readonly limitMs: number;
}

/** For {@link OpenTunnel}. */
export function socksTunnel(request: SocksRequest): OpenTunnel {
  return (transport, done) => {
    const opening = new SocksOpening(transport, request, done);
    opening.begin();
    return opening;
  };
}

class SocksOpening implements TunnelOpening {
  readonly #stream: TransportStream;
  readonly #request: SocksRequest;
  #done: TunnelDone | undefined;

  constructor(transport: Transport, request: SocksRequest, done: TunnelDone) {
    this.#stream = new TransportStream(transport);
    this.#request = request;
    this.#done = done;
  }

  begin(): void {
    this.#negotiate().then(
      (rest) => this.#settle(undefined, rest),
      (error: unknown) => this.#settle(asProxyError(this.#request, error), NO_BYTES),
    );
  }

  cancel(): void {
    this.#done = undefined;
    this.#stream.destroy();
  }

  /** Resolves with what came behind the proxy's consent. */
  async #negotiate(): Promise<Uint8Array> {
    const { version, host, port, credentials, limitMs } = this.#request;
    const stream = this.#stream;
    const { SocksClient } = await import("socks");
    if (this.#done === undefined) return NO_BYTES;
    stream.open();
    await SocksClient.createConnection({
      command: "connect",
      // The address of the proxy is for connecting, which is done.
      proxy: { host: "proxy", port: 1, type: version, ...asUser(credentials) },
      destination: { host, port },
      existing_socket: stream,
      timeout: Math.min(limitMs + TIMER_MARGIN_MS, LONGEST_HANDSHAKE_MS),
    });
    return stream.takeRest();
  }

  #settle(error: Error | undefined, rest: Uint8Array): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error, rest);
  }
}

/** A transport as the stream that the library wants, for as long as the handshake lasts. */
class TransportStream extends Duplex implements TransportHandler {
  readonly #transport: Transport;
  #over = false;

  constructor(transport: Transport) {
    super();
    this.#transport = transport;
  }

  open(): void {
    this.#transport.attach(this);
  }

  /** After the library has let go of it: what it read too much, in the order in which it came, and what it had not read yet. */
  async takeRest(): Promise<Uint8Array> {
    this.#over = true;
    this.#transport.pause();
    const pieces: Buffer[] = [];
    this.on("data", (piece: Buffer) => void pieces.push(piece));
    // It gives back what it read too much from an immediate of its own, which is before this one.
    await new Promise((resolve) => setImmediate(resolve));
    for (let piece = this.read(); piece !== null; piece = this.read()) pieces.push(piece);
    this.removeAllListeners("data");
    return Buffer.concat(pieces);
  }

  onData(bytes: Uint8Array): void {
    if (!this.push(Buffer.from(bytes))) this.#transport.pause();
  }

  /** Half a connection is of no use for a handshake. */
  onEnd(): void {
    this.destroy();
  }

  /** The handshake's messages are small: nobody waits for room. */
  onDrain(): void {}

  onClose(error: Error | undefined): void {
    this.destroy(error);
  }

  override _read(): void {
    if (!this.#over) this.#transport.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#transport.write(bytes);
    done();
  }
}

function asUser(credentials: SocksRequest["credentials"]): { userId?: string; password?: string } {
  return credentials === undefined ? {} : { userId: credentials.username, password: credentials.password };
}

/** The library's errors carry its options, the password among them: only their words go on. */
function asProxyError({ label, host, port }: SocksRequest, error: unknown): ProxyError {
  const said = error instanceof Error ? error.message : String(error);
  if (/no accepted authentication|authentication failed/i.test(said)) {
    const message = `The proxy ${label} wants credentials, or refuses those it got: see proxy.username and password`;
    return new ProxyError("proxy/authentication-required", message, { phase: "connect" });
  }
  const start = `Cannot open a tunnel to ${host}:${port}`;
  const reply = /rejected connection - \(?(\w+)/.exec(said)?.[1];
  if (reply !== undefined) {
    const message = `${start}: the proxy ${label} refused: ${reply === "undefined" ? "unknown reply" : inWords(reply)}`;
    return new ProxyError("proxy/refused", message, { phase: "connect" });
  }
  const closed = said === "Socket closed" || !said.startsWith("Received");
  const code = closed ? "proxy/closed" : "proxy/bad-answer";
  const reason = said === "Socket closed" ? "it closed the connection without an answer" : said;
  return new ProxyError(code, `${start} by the proxy ${label}: ${reason}`, { phase: "connect" });
}

/** "HostUnreachable" → "host unreachable" (RFC 1928 §6). */
function inWords(reply: string): string {
  return reply.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}
