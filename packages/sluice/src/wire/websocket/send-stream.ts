/**
 * One message sent fragment by fragment (RFC 6455 §5.4), as its parts come: memory is that of a part, whatever the message has. Other
 * messages wait meanwhile; pings, pongs and a close frame do not.
 *
 * A message that was begun can only be ended or left unfinished. When its source fails, or is told to stop, ending it would pass a part
 * off as the whole; so the connection ends, with 1011.
 */

import { Utf8Validator } from "../../bytes/utf8-validator.js";
import type { MessageDeflater } from "../../websocket/message-compression.js";
import { BINARY, CONTINUATION, FIN, RSV1, TEXT } from "../../websocket/opcodes.js";
import type { SendStreamOptions } from "./call-options.js";
import type { Message } from "./inbox.js";
import { checkPart, type MessageSource, notText } from "./message-input.js";
import { untilAborted } from "./quietly.js";
import type { WebSocketLink } from "./websocket-link.js";

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

/** Writes parts as fragments; text in such a way that no character is cut into two strings, and bytes complete their own. */
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
    checkPart(part);
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
    if (text !== "" && this.#validator?.end() === false) throw notText();
    const whole = this.#half + text;
    this.#half = HIGH_SURROGATE.test(whole) ? whole.slice(-1) : "";
    return this.#half === "" ? whole : whole.slice(0, -1);
  }

  #bytePart(part: Uint8Array): Uint8Array {
    // Half a character that bytes follow has no other half, and keeps its place.
    const bytes = this.#half === "" ? part : Buffer.concat([Buffer.from(this.#half), part]);
    this.#half = "";
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
