/**
 * A message that is encoded once and sent to many: its frame is the same for every connection of a server, because a server's frames
 * are not masked (RFC 6455 §5.1). Compressed by itself, without a look at what was sent before, it is the same for all connections
 * whose agreement allows the same window (RFC 7692 §7.1.2): each kind is compressed once, when the first such connection is sent to.
 *
 * Small frames are kept as text of one byte a character, which a socket's transport keeps and joins without a copy or an allocation
 * for each connection.
 */

import { wholeFrame } from "../../websocket/frame-writer.js";
import { BINARY, FIN, RSV1, TEXT } from "../../websocket/opcodes.js";
import type { Message } from "./inbox.js";
import { type MessageInput, toMessage } from "./message-input.js";

/** Frames up to this are kept as text; well below what a transport keeps of it. */
const TEXT_BYTES = 4 * 1024;

/** A whole frame: text of one byte a character, or bytes. */
export type Frame = string | Uint8Array;

/** Compression of one message for many connections. */
export interface SharedCompression {
  /** The same for all connections that can be sent the same compressed form. */
  readonly sharing: string;
  /** Compresses without a look at what was sent before. A promise where that takes long. */
  deflateAlone(plain: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** How a message is prepared. */
export interface PrepareOptions {
  /** As of `send`. @default true from the connection's threshold on */
  readonly compress?: boolean | undefined;
}

/** For `sendPrepared` of any number of connections; made by {@link prepareMessage}. */
export class PreparedMessage {
  readonly data: Message;
  readonly compress: boolean | undefined;
  #frame: Frame | undefined = undefined;
  #compressed: Map<string, Frame | Promise<Frame>> | undefined = undefined;

  /** `data` must not change any more. */
  constructor(data: Message, compress: boolean | undefined) {
    this.data = data;
    this.compress = compress;
  }

  /** Bytes of its frame, uncompressed. */
  get byteLength(): number {
    return this.frame.length;
  }

  /** The whole frame, uncompressed. For the sender. @internal */
  get frame(): Frame {
    this.#frame ??= inBestForm(wholeFrame(FIN | this.#opcode, this.data));
    return this.#frame;
  }

  /** The whole frame, compressed; a promise until it is. For the sender. @internal */
  compressedFrame(compression: SharedCompression): Frame | Promise<Frame> {
    this.#compressed ??= new Map();
    const compressed = this.#compressed;
    const known = compressed.get(compression.sharing);
    if (known !== undefined) return known;
    const plain = typeof this.data === "string" ? Buffer.from(this.data) : this.data;
    const deflated = compression.deflateAlone(plain);
    const frameOf = (bytes: Uint8Array) => {
      const frame = inBestForm(wholeFrame(FIN | RSV1 | this.#opcode, bytes));
      compressed.set(compression.sharing, frame);
      return frame;
    };
    if (!(deflated instanceof Promise)) return frameOf(deflated);
    const later = deflated.then(frameOf);
    compressed.set(compression.sharing, later);
    return later;
  }

  get #opcode(): number {
    return typeof this.data === "string" ? TEXT : BINARY;
  }
}

/** Prepares text (a string) or bytes, which must not change any more, for many connections. Throws `UsageError` `websocket/bad-message`. */
export function prepareMessage(data: MessageInput, options: PrepareOptions = {}): PreparedMessage {
  return new PreparedMessage(toMessage(data), options.compress);
}

function inBestForm(frame: Buffer): Frame {
  return frame.length <= TEXT_BYTES ? frame.toString("latin1") : frame;
}
