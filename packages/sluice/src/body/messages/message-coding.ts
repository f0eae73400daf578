/** Makes what compresses the messages of a connection, and undoes it, by what was agreed in its handshake (RFC 7692). */

import type { ResolvedDeflateOptions } from "../../websocket/deflate-options.js";
import type { MessageDeflater, MessageInflater } from "../../websocket/message-compression.js";
import type { WebSocketRole } from "../../websocket/opcodes.js";
import type { DeflateAgreement } from "../../websocket/permessage-deflate.js";
import { RawDeflater } from "./raw-deflater.js";
import { RawInflater } from "./raw-inflater.js";

/** For the messages that we, in this role, send. Holds next to nothing before the first. */
export function messageDeflater(
  agreement: DeflateAgreement,
  role: WebSocketRole,
  options: Pick<ResolvedDeflateOptions, "level">,
): MessageDeflater {
  const isServer = role === "server";
  return new RawDeflater({
    level: options.level,
    maxWindowBits: isServer ? agreement.serverMaxWindowBits : agreement.clientMaxWindowBits,
    contextTakeover: !(isServer ? agreement.serverNoContextTakeover : agreement.clientNoContextTakeover),
  });
}

/** For the messages that we, in this role, receive. Holds next to nothing before the first. */
export function messageInflater(
  agreement: DeflateAgreement,
  role: WebSocketRole,
  maxMessageSize: number,
): MessageInflater {
  const isServer = role === "server";
  return new RawInflater({
    maxWindowBits: isServer ? agreement.clientMaxWindowBits : agreement.serverMaxWindowBits,
    contextTakeover: !(isServer ? agreement.clientNoContextTakeover : agreement.serverNoContextTakeover),
    maxMessageSize,
  });
}

/** Both directions of one connection, each made when it is first needed: what `openWebSocket` takes. */
export interface MessageCompression {
  /** Bytes; shorter messages are sent as they are, unless compression is asked for. */
  readonly threshold: number;
  makeDeflater(): MessageDeflater;
  makeInflater(): MessageInflater;
  /** The same for all connections to which a message may go that {@link deflateAlone} has made for one of them. */
  readonly sharing: string;
  /** Deflates a message of ours without a look at those before: for many connections at once. */
  deflateAlone(plain: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** What is needed beyond the agreement. */
export interface CompressionSettings extends Pick<ResolvedDeflateOptions, "level" | "threshold"> {
  readonly role: WebSocketRole;
  readonly maxMessageSize: number;
}

/** For a connection on which `agreement` was reached. */
export function messageCompression(agreement: DeflateAgreement, settings: CompressionSettings): MessageCompression {
  const { role, level, threshold, maxMessageSize } = settings;
  const alone = { ...agreement, serverNoContextTakeover: true, clientNoContextTakeover: true };
  return {
    threshold,
    sharing: `${role === "server" ? agreement.serverMaxWindowBits : agreement.clientMaxWindowBits} ${level}`,
    deflateAlone: (plain) => messageDeflater(alone, role, { level }).deflate(plain),
    makeDeflater: () => messageDeflater(agreement, role, { level }),
    makeInflater: () => messageInflater(agreement, role, maxMessageSize),
  };
}
