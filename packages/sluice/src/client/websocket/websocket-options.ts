/**
 * What a caller may ask of a WebSocket, resolved in one place: the handshake takes a request's options, those of the connection are
 * checked here, and nothing unknown passes.
 */
import { isToken } from "../../bytes/char-tables.js";
import { UsageError } from "../../errors.js";
import type { FieldLines } from "../../http1/sinks.js";
import { kindOf, refuseUnknown, requireObject } from "../../options.js";
import { type DeflateOptions, type ResolvedDeflateOptions, resolveDeflate } from "../../websocket/deflate-options.js";
import {
  CLIENT_WEBSOCKET_DEFAULTS,
  type ResolvedWebSocketOptions,
  resolveWebSocketOptions,
  WEBSOCKET_OPTION_NAMES,
  type WebSocketConnectionOptions,
} from "../../wire/websocket/websocket-options.js";
import { fieldLinesOf, refuseWrongKinds } from "../option-values.js";
import type { RequestOptions } from "../options.js";

/** What the handshake takes of a request's options. */
type HandshakeOptions = Pick<
  RequestOptions,
  | "params"
  | "headers"
  | "cookies"
  | "auth"
  | "proxy"
  | "servername"
  | "redirect"
  | "maxRedirects"
  | "allowInsecureRedirect"
  | "retry"
  | "throttle"
  | "context"
  | "middleware"
  | "hopMiddleware"
  | "omitHeaders"
>;

/** Options of `session.websocket()`: those of the request that opens it, over the session's, those of the connection, and these. */
export interface WebSocketOptions extends HandshakeOptions, WebSocketConnectionOptions {
  /** Sub-protocols to choose from, the most wanted first (RFC 6455 §1.9): tokens, each once. @default none */
  readonly protocols?: string | readonly string[];
  /**
   * Offers permessage-deflate (RFC 7692): `true`, or with which parameters. It costs memory for each connection, and processor time
   * for each message. @default false
   */
  readonly compress?: boolean | DeflateOptions;
  /** Time limits of the handshake, as a request's. @default the session's; `total` 60_000 where neither says anything */
  readonly timeout?: RequestOptions["timeout"];
  /** Aborting it ends the handshake, and later the connection. */
  readonly signal?: AbortSignal;
}

/** What of {@link WebSocketOptions} is no request's. */
export interface SocketSettings {
  readonly protocols: readonly string[];
  /** Undefined: compression is not offered. */
  readonly compress: ResolvedDeflateOptions | undefined;
  readonly connection: ResolvedWebSocketOptions;
}

const OWN_NAMES = ["protocols", "compress", "timeout", "signal"] as const satisfies readonly (keyof WebSocketOptions)[];
const OF_THE_REQUEST = [
  "params",
  "headers",
  "cookies",
  "auth",
  "proxy",
  "servername",
  "redirect",
  "maxRedirects",
  "allowInsecureRedirect",
  "retry",
  "throttle",
  "context",
  "middleware",
  "hopMiddleware",
  "omitHeaders",
] as const satisfies readonly (keyof HandshakeOptions)[];

/** Names that {@link WebSocketOptions} has. */
export const KNOWN_OPENING_OPTIONS: ReadonlySet<string> = new Set<keyof WebSocketOptions>([
  ...OWN_NAMES,
  ...WEBSOCKET_OPTION_NAMES,
  ...OF_THE_REQUEST,
]);

/**
 * The connection's part of `options`, and the request's without its signal. Throws `UsageError` `options/…` for what is unknown or
 * out of range, `websocket/protocols` for sub-protocols that cannot be offered, `request/refused-field` for fields that the
 * handshake has itself.
 */
export function resolveOpening(options: WebSocketOptions): [SocketSettings, RequestOptions] {
  requireObject("websocket options", options);
  refuseUnknown("websocket", options, KNOWN_OPENING_OPTIONS);
  refuseWrongKinds(options);
  const { protocols = [], timeout } = options;
  const settings: SocketSettings = {
    protocols: checkedProtocols(protocols),
    compress: resolveDeflate(options.compress),
    connection: resolveWebSocketOptions(options, CLIENT_WEBSOCKET_DEFAULTS),
  };
  // What the answer is, is for whoever opens the socket to say.
  const request: Record<string, unknown> = { raiseForStatus: false, timeout };
  for (const name of OF_THE_REQUEST) if (options[name] !== undefined) request[name] = options[name];
  if (options.headers !== undefined) refuseHandshakeFields(fieldLinesOf(options.headers));
  return [settings, request as RequestOptions];
}

/** Throws `UsageError` `websocket/protocols` unless each is a token, and there once (RFC 6455 §4.1, item 10). */
export function checkedProtocols(given: string | readonly string[]): readonly string[] {
  if (typeof given !== "string" && !Array.isArray(given)) {
    const message = `Cannot offer sub-protocols: expected a string or a list of them, received ${kindOf(given)}`;
    throw new UsageError("websocket/protocols", message);
  }
  const protocols = typeof given === "string" ? [given] : [...given];
  for (const [at, protocol] of protocols.entries()) {
    const isNew = protocols.indexOf(protocol) === at;
    if (typeof protocol === "string" && isToken(protocol) && isNew) continue;
    const fault = isNew ? "is no token" : "is there twice";
    throw new UsageError("websocket/protocols", `Cannot offer the sub-protocol "${String(protocol)}": it ${fault}`);
  }
  return protocols;
}

/**
 * Throws `UsageError` `request/refused-field` for a field that the handshake has itself (RFC 6455 §4.1), whoever set it: the caller, its
 * session, or middleware.
 */
export function refuseHandshakeFields(fields: FieldLines): void {
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? "").toLowerCase();
    if (!name.startsWith("sec-websocket-") && name !== "upgrade" && name !== "connection") continue;
    const instead = name === "sec-websocket-protocol" ? ": use the option protocols" : ": the handshake has its own";
    throw new UsageError("request/refused-field", `Cannot set the header ${name}${instead}`);
  }
}
