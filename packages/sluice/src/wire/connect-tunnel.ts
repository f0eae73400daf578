/**
 * Asks an HTTP proxy for a tunnel (RFC 9110 §9.3.6): CONNECT, and its answer up to the empty line. 2xx, and everything behind is
 * the target's; anything else, and there is no tunnel. The answer's head is bounded by the limits for responses; a refusal's body
 * is never read, for what it would add is prose: status, reason and the fields that proxies explain themselves with are enough.
 */

import { PeerError, ProxyError } from "../errors.js";
import type { Http1Limits } from "../http1/limits.js";
import { ResponseReader } from "../http1/response-reader.js";
import type { FieldLines, ResponseSink } from "../http1/sinks.js";
import { writeRequestHead } from "../http1/write-head.js";
import type { OpenTunnel, TunnelDone, TunnelOpening } from "../net/proxy-hop.js";
import type { Transport, TransportHandler } from "../net/transport.js";

/** RFC 9209, and what Squid says instead. */
const EXPLAINING_FIELDS: ReadonlySet<string> = new Set(["proxy-status", "x-squid-error"]);
const MOST_QUOTED_CHARACTERS = 200;
const NO_BYTES = new Uint8Array(0);

/** What to ask for, and of whom. */
export interface ConnectRequest {
  /** Host and port of the target, IPv6 in brackets. */
  readonly authority: string;
  /** For the proxy alone: its credentials and whatever else it wants. */
  readonly fields: FieldLines;
  /** The proxy, as messages name it. */
  readonly label: string;
  readonly limits: Readonly<Required<Http1Limits>>;
}

/** For {@link OpenTunnel}. Throws `UsageError` for fields that cannot be sent. */
export function connectTunnel(request: ConnectRequest): OpenTunnel {
  const { authority, fields } = request;
  const head = writeRequestHead("CONNECT", authority, ["host", authority, ...fields]);
  return (transport, done) => new ConnectOpening(transport, request, head, done);
}

class ConnectOpening implements TransportHandler, TunnelOpening {
  readonly #transport: Transport;
  readonly #request: ConnectRequest;
  readonly #reader: ResponseReader;
  #done: TunnelDone | undefined;
  #consent = false;
  #refusal: ProxyError | undefined;

  constructor(transport: Transport, request: ConnectRequest, head: string, done: TunnelDone) {
    this.#transport = transport;
    this.#request = request;
    this.#done = done;
    const sink: ResponseSink = {
      onInformational: () => undefined,
      onHead: (status, reason, _version, _bodyLength, _flags, fields) => this.#onHead(status, reason, fields),
      onData: () => undefined,
      onEnd: () => undefined,
    };
    this.#reader = new ResponseReader(sink, request.limits);
    this.#reader.expect("CONNECT");
    transport.attach(this);
    transport.write(head, "latin1");
  }

  cancel(): void {
    this.#done = undefined;
  }

  // What the transport says.

  onData(bytes: Uint8Array): void {
    if (this.#done === undefined) return;
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.#settle(this.#refusal ?? this.#badAnswer(error), NO_BYTES);
      return;
    }
    if (this.#refusal !== undefined) this.#settle(this.#refusal, NO_BYTES);
    else if (this.#consent) {
      this.#transport.pause();
      this.#settle(undefined, this.#reader.takeRest());
    }
  }

  onEnd(): void {
    this.#settle(this.#badAnswer("it closed the connection without an answer"), NO_BYTES);
  }

  /** The head is small, and nothing follows it. */
  onDrain(): void {}

  onClose(error: Error | undefined): void {
    this.#settle(this.#badAnswer(error ?? "it closed the connection without an answer"), NO_BYTES);
  }

  // What the codec says.

  #onHead(status: number, reason: string, fields: FieldLines): void {
    if (status < 300) this.#consent = true;
    else this.#refusal ??= refusal(this.#request, status, reason, fields);
  }

  #settle(error: Error | undefined, rest: Uint8Array): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error, rest);
  }

  #badAnswer(reason: unknown): ProxyError {
    const { label, authority } = this.#request;
    const said = reason instanceof Error ? reason.message : String(reason);
    const start = `Cannot open a tunnel to ${authority} by the proxy ${label}`;
    const code = reason instanceof PeerError ? "proxy/bad-answer" : "proxy/closed";
    return new ProxyError(code, `${start}: ${said}`, { cause: reason instanceof Error ? reason : undefined });
  }
}

/** What the proxy said no with. */
function refusal({ label, authority }: ConnectRequest, status: number, reason: string, fields: FieldLines): ProxyError {
  if (status === 407) return proxyAuthenticationRequired(label, fields);
  const said = [reason === "" ? String(status) : `${status} ${printable(reason)}`];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    if (EXPLAINING_FIELDS.has(name.toLowerCase())) said.push(`${name}: ${printable(fields[at + 1] ?? "")}`);
  }
  const message = `Cannot open a tunnel to ${authority}: the proxy ${label} answered ${said.join(", ")}`;
  return new ProxyError("proxy/refused", message, { status, phase: "connect" });
}

/** 407 (RFC 9110 §15.5.8), to CONNECT or to a request that the proxy was to pass on. */
export function proxyAuthenticationRequired(label: string, fields: FieldLines): ProxyError {
  const schemes: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== "proxy-authenticate") continue;
    // The scheme only: parameters may hold a nonce, and say nothing to a person.
    schemes.push(printable(/^[^\s,]*/.exec(fields[at + 1] ?? "")?.[0] ?? ""));
  }
  const wants = schemes.length === 0 ? "" : ` (${schemes.join(", ")})`;
  const message = `The proxy ${label} wants credentials${wants}, or refuses those it got: see proxy.username and password`;
  return new ProxyError("proxy/authentication-required", message, { status: 407, phase: "connect" });
}

/** The proxy wrote it: no control characters, and no more than a line. */
function printable(text: string): string {
  const line = text.replace(/[^\x20-\x7e]/g, "?");
  return line.length <= MOST_QUOTED_CHARACTERS ? line : `${line.slice(0, MOST_QUOTED_CHARACTERS)}…`;
}
