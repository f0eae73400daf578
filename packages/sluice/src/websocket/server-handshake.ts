/** A server's part of the opening handshake (RFC 6455 §4.2): what a request must be, and what it is answered. */

import type { HttpHeaders } from "../http/headers.js";
import { type Extension, formatExtension, parseExtensions } from "./extensions.js";
import { badHandshake, hasToken, protocolsIn, singleValue, WEBSOCKET_VERSION } from "./handshake-fields.js";

/** 16 octets in base64, in its one spelling: the last character has but four that leave no bits over (RFC 4648 §3.5). */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** What a client asks for. */
export interface WebSocketRequest {
  /** For `acceptValue`. */
  readonly key: string;
  /** Sub-protocols that it speaks, the dearest first; empty for none. */
  readonly protocols: readonly string[];
  /** Extensions that it offers, the dearest first. */
  readonly extensions: readonly Extension[];
}

/** The head of a request, as far as the handshake is concerned. */
export interface UpgradeHead {
  readonly method: string;
  /** 11 for HTTP/1.1. */
  readonly version: number;
  readonly headers: HttpHeaders;
}

/** Whether a request asks for a WebSocket at all: whether its `Upgrade` names one. */
export function asksForWebSocket(headers: HttpHeaders): boolean {
  return hasToken(headers, "upgrade", "websocket");
}

/**
 * Reads a request for a WebSocket (§4.2.1). Throws `PeerError`, whose `statusHint` is 400, or 426 (Upgrade Required) for
 * `websocket/upgrade-required` and `websocket/version-unsupported`: the answers to these have `Upgrade: websocket`
 * (RFC 9110 §15.5.22) and `Sec-WebSocket-Version: 13` (§4.4). `Origin` is for the caller to judge (§10.2).
 */
export function readUpgradeRequest({ method, version, headers }: UpgradeHead): WebSocketRequest {
  if (!asksForWebSocket(headers)) {
    throw badHandshake("websocket/upgrade-required", "the request does not ask for one", 426);
  }
  if (!hasToken(headers, "connection", "upgrade")) {
    throw badHandshake("websocket/handshake-invalid", "Connection does not name Upgrade");
  }
  if (method !== "GET" || version < 11) {
    throw badHandshake("websocket/handshake-invalid", "it is asked for with GET and HTTP/1.1 only");
  }
  if (singleValue(headers, "sec-websocket-version") !== WEBSOCKET_VERSION) {
    throw badHandshake("websocket/version-unsupported", `the version is not ${WEBSOCKET_VERSION}`, 426);
  }
  const key = singleValue(headers, "sec-websocket-key");
  if (key === undefined || !KEY.test(key)) {
    throw badHandshake("websocket/key-invalid", "Sec-WebSocket-Key is not the base64 of 16 octets");
  }
  const protocols = headers.get("sec-websocket-protocol");
  const extensions = parseExtensions(headers.get("sec-websocket-extensions") ?? "");
  if (extensions === undefined) {
    throw badHandshake("websocket/extensions-invalid", "Sec-WebSocket-Extensions is malformed");
  }
  return { key, protocols: protocols === null ? [] : protocolsIn(protocols), extensions };
}

/** What is answered with 101 (§4.2.2). */
export interface UpgradeAnswer {
  readonly accept: string;
  /** The one of the client's sub-protocols that was chosen, or undefined for none. */
  readonly protocol?: string | undefined;
  /** Extensions agreed to, as they are to be used. */
  readonly extensions?: readonly Extension[];
}

/** The fields of a 101 answer. */
export function upgradeAnswerFields({ accept, protocol, extensions = [] }: UpgradeAnswer): readonly string[] {
  const fields = ["Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Accept", accept];
  if (protocol !== undefined) fields.push("Sec-WebSocket-Protocol", protocol);
  if (extensions.length > 0) fields.push("Sec-WebSocket-Extensions", extensions.map(formatExtension).join(", "));
  return fields;
}
