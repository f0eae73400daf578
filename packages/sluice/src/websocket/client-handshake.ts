/** A client's part of the opening handshake (RFC 6455 §4.1): what it asks, and what a server's answer must be. */

import type { HttpHeaders } from "../http/headers.js";
import { type Extension, formatExtension, parseExtensions } from "./extensions.js";
import { badHandshake, hasToken, singleValue, WEBSOCKET_VERSION } from "./handshake-fields.js";

const KEY_BYTES = 16;

/** What is asked of the server. */
export interface UpgradeWishes {
  /** As {@link handshakeKey} makes it. */
  readonly key: string;
  /** Sub-protocols that we speak, the dearest first. @default none */
  readonly protocols?: readonly string[];
  /** @default none */
  readonly extensions?: readonly Extension[];
}

/** The value of `Sec-WebSocket-Key` for 16 octets that were chosen at random (§4.1, 7). */
export function handshakeKey(octets: Uint8Array): string {
  return Buffer.from(octets.subarray(0, KEY_BYTES)).toString("base64");
}

/** The fields that make a GET request one for a WebSocket. */
export function upgradeRequestFields({ key, protocols = [], extensions = [] }: UpgradeWishes): readonly string[] {
  const fields = ["Upgrade", "websocket", "Connection", "Upgrade"];
  fields.push("Sec-WebSocket-Key", key, "Sec-WebSocket-Version", WEBSOCKET_VERSION);
  if (protocols.length > 0) fields.push("Sec-WebSocket-Protocol", protocols.join(", "));
  if (extensions.length > 0) fields.push("Sec-WebSocket-Extensions", extensions.map(formatExtension).join(", "));
  return fields;
}

/** What a server agreed to. */
export interface AgreedUpgrade {
  /** The sub-protocol, or undefined if it chose none. */
  readonly protocol: string | undefined;
  /** In the server's words; whether they are an answer to what was offered is the extension's to say. */
  readonly extensions: readonly Extension[];
}

/**
 * Reads an answer with status 101 (§4.1, "validate the server's response"). `accept` is what `acceptValue` makes of our key.
 * Throws `PeerError` for anything that we did not ask for, or that no server answers which understood us.
 */
export function readUpgradeAnswer(headers: HttpHeaders, accept: string, wishes: UpgradeWishes): AgreedUpgrade {
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw badHandshake("websocket/handshake-invalid", "the answer does not upgrade to it");
  }
  if (!hasToken(headers, "connection", "upgrade")) {
    throw badHandshake("websocket/handshake-invalid", "Connection does not name Upgrade");
  }
  if (singleValue(headers, "sec-websocket-accept") !== accept) {
    throw badHandshake("websocket/accept-mismatch", "Sec-WebSocket-Accept is not the answer to our key");
  }
  const protocol = singleValue(headers, "sec-websocket-protocol");
  if (protocol !== undefined && !(wishes.protocols ?? []).includes(protocol)) {
    throw badHandshake("websocket/protocol-unexpected", "the server chose a sub-protocol that was not offered");
  }
  const extensions = parseExtensions(headers.get("sec-websocket-extensions") ?? "");
  if (extensions === undefined) {
    throw badHandshake("websocket/extensions-invalid", "Sec-WebSocket-Extensions is malformed");
  }
  const offered = new Set((wishes.extensions ?? []).map(({ name }) => name));
  for (const { name } of extensions) {
    if (!offered.delete(name)) {
      throw badHandshake("websocket/extension-unexpected", `${name} was not offered, or is agreed to twice`);
    }
  }
  return { protocol, extensions };
}
