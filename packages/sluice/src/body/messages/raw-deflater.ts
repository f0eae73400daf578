/**
 * Deflates the messages of one connection (RFC 7692 §7.2.1).
 *
 * Strategy: no stream of the platform's is kept. Each message is deflated by itself, with what was sent before as its dictionary: to
 * the peer that is context takeover, and to us it is a few KiB of text for a connection instead of 268 KB of tables. Small messages
 * are done at once, which takes a fourth of the time of sending them through a thread. Decision 0023 has the figures.
 */

import type { ResolvedDeflateOptions } from "../../websocket/deflate-options.js";
import type { MessageDeflater } from "../../websocket/message-compression.js";
import { loadZlib } from "../coding/zlib.js";
import { offLoop } from "./off-loop.js";
import { RecentBytes } from "./recent-bytes.js";

/** Messages beyond this are deflated on another thread: this many take about 0.1 ms. */
const AT_ONCE_BYTES = 16 * 1024;
/** What is remembered of messages before: more makes them little smaller, and takes time for each. */
const CONTEXT_BYTES = 8 * 1024;
/** zlib cannot deflate raw with a window of 2^8; with 2^9 it looks back 250 bytes at the most, which is as good. */
const LEAST_OWN_BITS = 9;
/** What zlib needs beyond the longest distance (`MIN_LOOKAHEAD`). */
const LOOKAHEAD_BYTES = 262;
/** zlib's tables: the smaller ones are filled sooner, and enough for a window of this many bits. */
const SMALL_WINDOW_BITS = 13;
const SMALL_TABLES = 5;
const LARGE_TABLES = 8;
/** Room for what does not compress: blocks, and their heads. */
const OVERHEAD_BYTES = 64;
/** A sync flush ends in an empty block, of which §7.2.1 leaves these four bytes away: 00 00 FF FF. */
const TAIL_BYTES = 4;
const LARGE_CHUNK_BYTES = 64 * 1024;

/** How one side compresses. */
export interface RawDeflaterSettings {
  readonly level: ResolvedDeflateOptions["level"];
  /** What was agreed for our own messages, 8 to 15. */
  readonly maxWindowBits: number;
  /** Whether messages may refer to those before. */
  readonly contextTakeover: boolean;
}

/** See the head of this file. */
export class RawDeflater implements MessageDeflater {
  readonly #settings: RawDeflaterSettings;
  /** Of our own messages, or of this message's parts. */
  readonly #context: RecentBytes;
  #closed = false;

  constructor(settings: RawDeflaterSettings) {
    this.#settings = settings;
    this.#context = new RecentBytes(Math.min(CONTEXT_BYTES, 2 ** settings.maxWindowBits));
  }

  deflate(plain: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const deflated = this.#deflate(plain);
    if (!this.#settings.contextTakeover) this.#context.clear();
    else this.#remember(plain);
    return deflated instanceof Promise ? deflated.then(withoutTail) : withoutTail(deflated);
  }

  deflatePart(plain: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const deflated = this.#deflate(plain);
    this.#remember(plain);
    return deflated;
  }

  close(): void {
    this.#closed = true;
    this.#context.clear();
  }

  #remember(plain: Uint8Array): void {
    if (!this.#closed) this.#context.add(plain);
  }

  /** Deflates to a byte boundary: blocks that end with an empty one. */
  #deflate(plain: Uint8Array): Buffer | Promise<Buffer> {
    const zlib = loadZlib();
    const dictionary = this.#context.bytes;
    const windowBits = this.#windowBitsFor(plain.byteLength + (dictionary?.byteLength ?? 0));
    const options = {
      level: this.#settings.level,
      windowBits,
      memLevel: windowBits <= SMALL_WINDOW_BITS ? SMALL_TABLES : LARGE_TABLES,
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
    };
    if (plain.byteLength <= AT_ONCE_BYTES) {
      const chunkSize = plain.byteLength + OVERHEAD_BYTES;
      return zlib.deflateRawSync(plain, { ...options, chunkSize, ...(dictionary && { dictionary }) });
    }
    // What is remembered changes before a thread gets to it.
    const kept = dictionary && { dictionary: Buffer.from(dictionary) };
    return offLoop((done) => zlib.deflateRaw(plain, { ...options, chunkSize: LARGE_CHUNK_BYTES, ...kept }, done));
  }

  /** The smallest window that has it all, as far as that was agreed: memory that is not there need not be cleared. */
  #windowBitsFor(byteCount: number): number {
    const enough = Math.ceil(Math.log2(byteCount + LOOKAHEAD_BYTES));
    return Math.max(LEAST_OWN_BITS, Math.min(enough, this.#settings.maxWindowBits));
  }
}

function withoutTail(deflated: Buffer): Buffer {
  return deflated.subarray(0, deflated.byteLength - TAIL_BYTES);
}
