/**
 * A message that is encoded once and sent to many: its frame is the same for every connection of a server, because a server's frames
 * are not masked (RFC 6455 §5.1). Small frames are kept as text of one byte a character, which a socket's transport keeps and joins
 * without a copy or an allocation for each connection.
 */

import { wholeFrame } from "../../websocket/frame-writer.js";
import { BINARY, FIN, TEXT } from "../../websocket/opcodes.js";
import type { Message } from "./inbox.js";

/** Frames up to this are kept as text; well below what a transport keeps of it. */
const TEXT_BYTES = 4 * 1024;

/** For `sendPrepared` of any number of connections; made by {@link prepareMessage}. */
export class PreparedMessage {
  /** The first octet of its frame. */
  readonly first: number;
  readonly data: Message;
  /** The whole frame. */
  readonly frame: string | Uint8Array;

  constructor(data: Message) {
    this.first = FIN | (typeof data === "string" ? TEXT : BINARY);
    this.data = data;
    const frame = wholeFrame(this.first, data);
    this.frame = frame.length <= TEXT_BYTES ? frame.toString("latin1") : frame;
  }

  /** Bytes on the wire, for each connection. */
  get byteLength(): number {
    return this.frame.length;
  }
}

/** Prepares text (a string) or bytes, which are copied. */
export function prepareMessage(data: Message): PreparedMessage {
  return new PreparedMessage(data);
}
