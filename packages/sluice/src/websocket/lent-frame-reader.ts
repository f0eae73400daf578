/**
 * The frame reader of one connection, which it has only while it needs one: between two messages it is one of the few that all
 * connections share.
 */

import type { FrameReader, FrameReaderSettings } from "./frame-reader.js";
import { giveFrameReaderBack, takeFrameReader } from "./frame-readers.js";
import type { FrameSink } from "./frame-sink.js";
import type { WebSocketRole } from "./opcodes.js";

/** Reads as {@link FrameReader} does, and throws what that throws. */
export class LentFrameReader implements FrameReaderSettings {
  readonly role: WebSocketRole;
  readonly compression: boolean;
  readonly maxMessageSize: number;
  readonly #sink: FrameSink;
  /** Only while a message is under way, or waits. */
  #reader: FrameReader | undefined = undefined;

  /** Everything but `sink` as {@link FrameReaderSettings} has it. */
  constructor(sink: FrameSink, { role, compression, maxMessageSize }: FrameReaderSettings) {
    this.#sink = sink;
    this.role = role;
    this.compression = compression;
    this.maxMessageSize = maxMessageSize;
  }

  /** `borrowed`: `bytes` are valid until this returns. */
  feed(bytes: Uint8Array, borrowed: boolean): void {
    const reader = this.#take();
    reader.feed(bytes, borrowed);
    this.#giveBack(reader);
  }

  /** What is fed waits for {@link resume}. */
  pause(): void {
    this.#take().pause();
  }

  resume(): void {
    const reader = this.#take();
    reader.resume();
    this.#giveBack(reader);
  }

  #take(): FrameReader {
    this.#reader ??= takeFrameReader(this.#sink, this);
    return this.#reader;
  }

  #giveBack(reader: FrameReader): void {
    if (giveFrameReaderBack(reader)) this.#reader = undefined;
  }
}
