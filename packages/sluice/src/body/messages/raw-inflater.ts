/**
 * Inflates the messages of one connection (RFC 7692 §7.2.2), each by itself, with what came before as its dictionary: see
 * `raw-deflater.ts`.
 *
 * A message is complete when it ends where a block ends. So more than the four bytes that the sender left away is put behind it: a last
 * block of nothing. If the stream then does not end with its last byte, the message was cut short, which inflating with a flush
 * would not notice.
 *
 * A sender may end its stream within a message, and go on with another (§7.2.3.5). That is inflated in as many steps, which
 * cost a good deal for few bytes, so it may do so only as often as nobody but an attacker would want more.
 */

import { constants } from "node:buffer";
import { CLOSE_CODES } from "../../websocket/close-codes.js";
import { messageTooLarge } from "../../websocket/frame-faults.js";
import type { MessageInflater } from "../../websocket/message-compression.js";
import { WebSocketFault } from "../../websocket/websocket-fault.js";
import { loadZlib } from "../coding/zlib.js";
import { offLoop } from "./off-loop.js";
import { RecentBytes } from "./recent-bytes.js";

/** The four bytes that a sender leaves away, and a last block (BFINAL) of nothing. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x03, 0x00]);
/** Messages of up to this many deflated bytes are inflated at once … */
const AT_ONCE_CODED_BYTES = 16 * 1024;
/** … unless they give more than this, which takes about 0.1 ms. */
const AT_ONCE_PLAIN_BYTES = 64 * 1024;
/** Ends of streams in one message. */
const MOST_STREAMS = 32;
/** What to expect: text becomes a third to a fifth. A wrong guess costs another piece. */
const LIKELY_EXPANSION = 5;
const SMALLEST_CHUNK_BYTES = 512;
const LARGEST_CHUNK_BYTES = 64 * 1024;
/** Where 8 was agreed: a window that is larger than a peer may use does no harm, and zlib has none smaller for raw data. */
const LEAST_OWN_BITS = 9;
const NOTHING = Buffer.alloc(0);

/** What one side takes. */
export interface RawInflaterSettings {
  /** What was agreed for the peer's messages, 8 to 15. */
  readonly maxWindowBits: number;
  /** Whether messages may refer to those before. */
  readonly contextTakeover: boolean;
  /** Bytes of an inflated message. */
  readonly maxMessageSize: number;
}

/** What zlib gives with `info: true`. */
interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten`: how much of the input the stream had, up to its end. */
  readonly engine: { readonly bytesWritten: number };
}

/** A message that is being inflated, stream by stream. */
interface Progress {
  readonly coded: Buffer;
  at: number;
  streams: number;
  readonly plain: Buffer[];
  plainBytes: number;
}

/** See the head of this file. */
export class RawInflater implements MessageInflater {
  readonly #settings: RawInflaterSettings;
  readonly #context: RecentBytes;
  #closed = false;

  constructor(settings: RawInflaterSettings) {
    this.#settings = settings;
    this.#context = new RecentBytes(2 ** settings.maxWindowBits);
  }

  inflate(coded: Uint8Array): Uint8Array | Promise<Uint8Array> {
    // Not what §7.2.3.6 makes of an empty message, but what zlib makes of a second flush, and so some libraries.
    if (coded.byteLength === 0) return NOTHING;
    const progress = { coded: Buffer.concat([coded, TAIL]), at: 0, streams: 0, plain: [], plainBytes: 0 };
    if (coded.byteLength <= AT_ONCE_CODED_BYTES && this.#inflateAtOnce(progress)) return this.#finish(progress);
    return this.#inflateOffLoop(progress);
  }

  close(): void {
    this.#closed = true;
    this.#context.clear();
  }

  /** False if the message turns out to be large: then it has come as far as it has. */
  #inflateAtOnce(progress: Progress): boolean {
    const zlib = loadZlib();
    while (progress.at < progress.coded.byteLength) {
      const most = this.#mostOf(progress);
      const atOnce = Math.min(most, AT_ONCE_PLAIN_BYTES - progress.plainBytes);
      if (atOnce < 1) return false;
      try {
        const rest = progress.coded.subarray(progress.at);
        const inflated = zlib.inflateRawSync(rest, this.#optionsFor(progress, atOnce)) as unknown as Inflated;
        this.#proceed(progress, inflated);
      } catch (error) {
        if (atOnce < most && isTooLarge(error)) return false;
        throw this.#faultOf(error);
      }
    }
    return true;
  }

  async #inflateOffLoop(progress: Progress): Promise<Uint8Array> {
    const zlib = loadZlib();
    while (progress.at < progress.coded.byteLength) {
      const options = this.#optionsFor(progress, this.#mostOf(progress));
      try {
        const rest = progress.coded.subarray(progress.at);
        const inflated = await offLoop<Buffer>((done) => zlib.inflateRaw(rest, options, done));
        this.#proceed(progress, inflated as unknown as Inflated);
      } catch (error) {
        throw this.#faultOf(error);
      }
    }
    return this.#finish(progress);
  }

  /** How much more the message may come to. A stream of nothing is allowed behind one that has it all, so at least 1. */
  #mostOf({ plainBytes }: Progress): number {
    return Math.max(1, Math.min(this.#settings.maxMessageSize - plainBytes, constants.MAX_LENGTH));
  }

  #optionsFor({ coded, at, plain }: Progress, maxOutputLength: number) {
    const before = this.#context.bytes;
    const dictionary = plain.length === 0 ? before : Buffer.concat(before === undefined ? plain : [before, ...plain]);
    const likely = (coded.byteLength - at) * LIKELY_EXPANSION;
    return {
      windowBits: Math.max(LEAST_OWN_BITS, this.#settings.maxWindowBits),
      chunkSize: Math.min(LARGEST_CHUNK_BYTES, Math.max(SMALLEST_CHUNK_BYTES, likely)),
      maxOutputLength,
      info: true,
      ...(dictionary !== undefined && dictionary.byteLength > 0 && { dictionary }),
    };
  }

  /** One stream has ended. */
  #proceed(progress: Progress, { buffer, engine }: Inflated): void {
    progress.at += engine.bytesWritten;
    progress.streams += 1;
    if (buffer.byteLength > 0) progress.plain.push(buffer);
    progress.plainBytes += buffer.byteLength;
    if (progress.plainBytes > this.#settings.maxMessageSize) throw messageTooLarge(this.#settings.maxMessageSize);
    if (progress.streams > MOST_STREAMS) throw invalid(`it has more than ${MOST_STREAMS} ends`);
  }

  #finish({ plain }: Progress): Uint8Array {
    const [only = NOTHING] = plain;
    const whole = plain.length <= 1 ? only : Buffer.concat(plain);
    if (this.#settings.contextTakeover && !this.#closed) this.#context.add(whole);
    return whole;
  }

  /** What the library found, in our words. */
  #faultOf(error: unknown): unknown {
    if (isTooLarge(error)) return messageTooLarge(this.#settings.maxMessageSize);
    const { code = "", message } = error as NodeJS.ErrnoException;
    return code.startsWith("Z_") && code !== "Z_MEM_ERROR" ? invalid(message) : error;
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}

function invalid(what: string): WebSocketFault {
  return new WebSocketFault(
    "websocket/deflate-invalid",
    `Cannot inflate the message: ${what} (RFC 7692 §7.2.2)`,
    CLOSE_CODES.INVALID_PAYLOAD,
  );
}
