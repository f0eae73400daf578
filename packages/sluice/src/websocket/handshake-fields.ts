/** What both ends of an opening handshake have in common (RFC 6455 §4): its fields, and how their values are read. */

import { isToken } from "../bytes/char-tables.js";
import { PeerError } from "../errors.js";
import type { HttpHeaders } from "../http/headers.js";

/** The one version that there is (§4.1, §11.6). */
export const WEBSOCKET_VERSION = "13";
/** What makes a server's answer one to this handshake and to no other (§1.3). */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The value of `Sec-WebSocket-Accept` (§4.2.2). `sha1`: the base64 of the SHA-1 of a text of ASCII. */
export function acceptValue(key: string, sha1: (text: string) => string): string {
  return sha1(key + ACCEPT_GUID);
}

/** Whether the field lists `token`, in any case (RFC 9110 §5.6.1). */
export function hasToken(headers: HttpHeaders, name: string, token: string): boolean {
  const value = headers.get(name);
  return value?.split(",").some((element) => element.trim().toLowerCase() === token) ?? false;
}

/** The one value of a field that must not be repeated (RFC 6455 §11.3), or undefined if there is none. Throws `PeerError`. */
export function singleValue(headers: HttpHeaders, name: string): string | undefined {
  const values = headers.getAll(name);
  if (values.length > 1) throw badHandshake("websocket/field-repeated", `there is more than one ${name} field`);
  return values[0];
}

/** Sub-protocols that a field lists: tokens, each of them once (§4.1, §11.3.4). Throws `PeerError`. */
export function protocolsIn(value: string): string[] {
  const protocols = value.split(",").map((element) => element.trim());
  for (const protocol of protocols) {
    if (isToken(protocol)) continue;
    throw badHandshake("websocket/protocol-invalid", `${JSON.stringify(protocol)} is no sub-protocol`);
  }
  if (new Set(protocols).size === protocols.length) return protocols;
  throw badHandshake("websocket/protocol-invalid", "a sub-protocol is named twice");
}

/** A handshake that breaks RFC 6455 §4; `what` is wrong with it, in a clause. */
export function badHandshake(code: `websocket/${string}`, what: string, statusHint = 400): PeerError {
  return new PeerError(code, `Cannot open the WebSocket: ${what} (RFC 6455 §4)`, statusHint);
}
