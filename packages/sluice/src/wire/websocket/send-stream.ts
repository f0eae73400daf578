/**
 * One message sent fragment by fragment (RFC 6455 §5.4), as its parts come: memory is that of a part, whatever the message has. Other
 * messages wait meanwhile; pings, pongs and a close frame do not.
 *
 * A message that was begun can only be ended or left unfinished. When its source fails, or is told to stop, ending it would pass a part
 * off as the whole; so the connection ends, with 1011.
 */

import { Utf8Validator } from "../../bytes/utf8-validator.js";
import { UsageError } from "../../errors.js";
import type { MessageDeflater } from "../../websocket/message-compression.js";
import { BINARY, CONTINUATION, FIN, RSV1, TEXT } from "../../websocket/opcodes.js";
import type { Message } from "./inbox.js";
import { untilAborted } from "./quietly.js";
import type { WebSocketLink } from "./websocket-link.js";

/** What a message can be made of. */
export type MessageSource = Iterable<Message> | AsyncIterable<Message>;

/** How `sendStream` sends. */
export interface SendStreamOptions {
  /**
   * Whether the message is a binary one; strings are sent as UTF-8 either way. A text message may have parts of bytes, which together
   * are to be UTF-8. @default true if the first part is bytes, false if it is a string
   */
  readonly binary?: boolean | undefined;
  /**
   * Compresses each part as it comes, where that was agreed. Most peers, ours included, keep a compressed message until it is whole.
   * @default false
   */
  readonly compress?: boolean | undefined;
  /** Stops sending with its reason; the connection ends if the message was begun. */
  readonly signal?: AbortSignal | undefined;
}

const NO_BYTES = new Uint8Array(0);
const HIGH_SURROGATE = /[\ud800-\udbff]$/;

/** Resolves when all was handed over. See above. */
export async function sendStream(
  link: WebSocketLink,
  source: MessageSource,
  options: SendStreamOptions,
): Promise<void> {
  const { signal } = options;
  await link.sender.takeFloor(signal);
  const deflater = options.compress === true ? link.sender.deflater() : undefined;
  const fragments = new FragmentWriter(link, options.binary, deflater);
  try {
    const parts = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    try {
      for (let next = await nextOf(parts, signal); next.done !== true; next = await nextOf(parts, signal)) {
        await fragments.write(next.value);
        await link.sender.room(signal);
      }
    } catch (error) {
      // Whatever the source says to being left: the first error is the one to tell.
      Promise.resolve(parts.return?.()).catch(() => undefined);
      throw error;
    }
    await fragments.finish();
    await link.sender.room(signal);
  } catch (error) {
    if (fragments.begun && !fragments.finished) link.abandonMessage();
    throw error;
  } finally {
    link.sender.passFloor();
  }
}

/** The next part, or the signal's reason: a source that has stopped does not have to answer any more. */
function nextOf(parts: Iterator<Message> | AsyncIterator<Message>, signal: AbortSignal | undefined) {
  signal?.throwIfAborted();
  const next = Promise.resolve(parts.next());
  return signal === undefined ? next : untilAborted(next, signal);
}

/** Writes parts as fragments; text in such a way that no character is cut into two strings. */
class FragmentWriter {
  begun = false;
  finished = false;
  readonly #link: WebSocketLink;
  #binary: boolean | undefined;
  #validator: Utf8Validator | undefined = undefined;
  /** The first half of a character whose other half is in the next string. */
  #half = "";
  readonly #deflater: MessageDeflater | undefined;

  /** `deflater`: undefined for a message that is not compressed. */
  constructor(link: WebSocketLink, binary: boolean | undefined, deflater: MessageDeflater | undefined) {
    this.#link = link;
    this.#binary = binary;
    this.#deflater = deflater;
  }

  /** A promise where it takes long to compress it. */
  write(part: Message): Promise<void> | undefined {
    if (typeof part !== "string" && !(part instanceof Uint8Array)) {
      throw new UsageError("websocket/bad-message", "Cannot send a part: expected a string or a Uint8Array");
    }
    this.#binary ??= typeof part !== "string";
    const bytes = typeof part === "string" ? this.#textPart(part) : this.#bytePart(part);
    if (bytes.length === 0) return undefined;
    if (this.#deflater !== undefined) return this.#deflated(this.#deflater.deflatePart(bytesOf(bytes)), 0);
    this.#fragment(bytes, 0);
    return undefined;
  }

  async finish(): Promise<void> {
    const rest = this.#half;
    this.#half = "";
    if (this.#validator !== undefined && !this.#validator.end()) throw notText();
    const last = rest === "" ? NO_BYTES : Buffer.from(rest);
    if (this.#deflater === undefined) this.#fragment(last, FIN);
    else await this.#deflated(this.#deflater.deflate(last), FIN);
    this.finished = true;
  }

  #textPart(text: string): Message {
    const whole = this.#half + text;
    this.#half = HIGH_SURROGATE.test(whole) ? whole.slice(-1) : "";
    return this.#half === "" ? whole : whole.slice(0, -1);
  }

  #bytePart(bytes: Uint8Array): Uint8Array {
    if (this.#binary === true) return bytes;
    this.#validator ??= new Utf8Validator();
    if (!this.#validator.push(bytes)) throw notText();
    return bytes;
  }

  /** RFC 7692 §6.1: RSV1 stands in the first frame of a message. */
  async #deflated(deflating: Uint8Array | Promise<Uint8Array>, fin: number): Promise<void> {
    const rsv1 = this.begun ? 0 : RSV1;
    this.#fragment(await deflating, fin | rsv1);
  }

  #fragment(payload: Message, bits: number): void {
    const opcode = this.begun ? CONTINUATION : this.#binary === true ? BINARY : TEXT;
    this.begun = true;
    this.#link.sendFragment(bits | opcode, payload);
  }
}

function bytesOf(part: Message): Uint8Array {
  return typeof part === "string" ? Buffer.from(part) : part;
}

function notText(): UsageError {
  return new UsageError("websocket/bad-message", "Cannot send the message as text: its bytes are not UTF-8");
}
