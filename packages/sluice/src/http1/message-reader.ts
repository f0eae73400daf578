/**
 * What reading requests and reading responses have in common: bytes in, events out (RFC 9112 §2 and §6 to §7).
 *
 * Strategy: `feed` walks the given bytes where they lie. Heads and trailers are read line by line through a `LineWindow`; body data go
 * on as views of the given bytes. Only two things are ever copied: the unfinished end of a line, and what lies behind the
 * point at which the owner paused. Work is linear in the bytes received, however finely they are cut.
 *
 * The reader's state is one of the constants below. Moves:
 *
 *   start ── start line ──> fields ── empty line ──> fixed | chunked | until-close | ended | stopped, or start (interim)
 *   chunked ── last chunk ──> trailers ── empty line ──> ended
 *   fixed ── all bytes ──> ended        until-close ── finish ──> ended
 *   ended ── onEnd given ──> start (the connection persists) | closed (it doesn't)
 *   any ── takeRest ──> detached
 *
 * A `PeerError` thrown once is thrown for good: bytes after it are never looked at.
 */

import { Buffer } from "node:buffer";
import { ByteQueue } from "../bytes/byte-queue.js";
import { CR, LF } from "../bytes/char-tables.js";
import { PeerError, UsageError } from "../errors.js";
import { ChunkedReader } from "./chunked-reader.js";
import { FieldSection } from "./field-section.js";
import type { Http1Limits } from "./limits.js";
import { LineWindow } from "./line-window.js";
import { CHUNKED, type FieldLines, UNTIL_CLOSE } from "./sinks.js";

/** What `headComplete` answers for an interim response: another head follows (RFC 9110 §15.2). */
export const ANOTHER_HEAD = -3;
/** What `headComplete` answers if what follows is not HTTP/1.1 any more: `takeRest`. */
export const NOT_HTTP = -4;
/** What `readStartLine` answers for a line whose end has not come. */
export const INCOMPLETE = -1;

const START = 0;
const FIELDS = 1;
const FIXED = 2;
const CHUNKS = 3;
const TRAILERS = 4;
const TO_CLOSE = 5;
const ENDED = 6;
const STOPPED = 7;
const CLOSED = 8;
const DETACHED = 9;

const NOTHING = Buffer.alloc(0);
const NO_FIELDS: FieldLines = Object.freeze([]);

/** The calls that both kinds of sink have; see `sinks.ts`. */
interface BodySink {
  onData(piece: Uint8Array): void;
  onEnd(trailers: FieldLines): void;
}

/** Base of `RequestReader` and `ResponseReader`. */
export abstract class MessageReader {
  protected readonly head: FieldSection;
  protected readonly limits: Readonly<Http1Limits>;

  readonly #sink: BodySink;
  readonly #trailers: FieldSection;
  readonly #chunked: ChunkedReader;
  readonly #lines = new LineWindow();
  /** What came while paused. */
  readonly #waiting = new ByteQueue();
  #state = START;
  #remaining = 0;
  #emptyLineCount = 0;
  /** Whether the text read last ended within a line. */
  #lineUnfinished = false;
  #trailerFields: FieldLines = NO_FIELDS;
  #paused = false;
  #running = false;
  #finished = false;
  #failure: { readonly error: unknown } | undefined = undefined;

  constructor(sink: BodySink, limits: Readonly<Http1Limits>) {
    const { maxHeadBytes, maxLineBytes, maxFieldCount, maxTrailerBytes, maxTrailerCount } = limits;
    this.limits = limits;
    this.head = new FieldSection({ kind: "head", maxBytes: maxHeadBytes, maxLineBytes, maxCount: maxFieldCount });
    this.#trailers = new FieldSection({
      kind: "trailers",
      maxBytes: maxTrailerBytes,
      maxLineBytes,
      maxCount: maxTrailerCount,
    });
    this.#chunked = new ChunkedReader(limits.maxChunkExtensionBytes);
    this.#sink = sink;
  }

  /** Most empty lines before a start line (RFC 9112 §2.2). */
  protected abstract readonly maxEmptyLines: number;
  /** Reads the start line at `start`: the offset behind it, or `INCOMPLETE`. Throws `PeerError`. */
  protected abstract readStartLine(lines: LineWindow, start: number): number;
  /** Throws `PeerError` if what has come of a start line, whose line feed is still missing, cannot become one. */
  protected abstract checkUnfinishedStartLine(lines: LineWindow): void;
  /** Called when bytes have come where a message should start. Throws `PeerError` if none is awaited. */
  protected abstract messageStarting(): void;
  /** Decides the framing and tells the sink: the body's length, one of the constants of `sinks.ts`, or one of the above. */
  protected abstract headComplete(): number;
  /** Called before `onEnd`: whether the connection persists (RFC 9112 §9.3). */
  protected abstract messageComplete(): boolean;

  /** True after `pause` until `resume`, and where the reader stopped by itself: see `takeRest`. */
  get paused(): boolean {
    return this.#paused || this.#state === STOPPED;
  }

  /** Between messages, with nothing received of the next. */
  get idle(): boolean {
    return !this.#failure && this.#state === START && this.#lines.unfinishedBytes === 0 && this.#waiting.length === 0;
  }

  /** From the first octet of a start line until `onEnd` has been given. False for a failed reader. */
  get midMessage(): boolean {
    if (this.#failure !== undefined) return false;
    if (this.#state === START) return this.#lines.unfinishedBytes > 0 && this.#lines.unfinishedFirst !== CR;
    return this.#state < STOPPED;
  }

  /** True once the reader has thrown a `PeerError`. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Reads `bytes` and tells the sink what they mean before it returns; afterwards they may change. While paused they are copied and
   * wait, without limit: whoever pauses a reader pauses its transport too. After a message that ends the connection
   * (RFC 9112 §9.6) they are dropped unread. Throws `PeerError`, then and ever after.
   */
  feed(bytes: Uint8Array): void {
    this.#checkUsable();
    if (this.#finished) throw new UsageError("http1/fed-after-end", "Cannot feed a reader that was told of the end");
    const given = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#drive(given);
  }

  /**
   * The peer will send no more. Ends a body that lasts until the close; does nothing between messages; throws `PeerError`
   * `http1/truncated` in the middle of one (RFC 9112 §8). While paused all of that waits for `resume`.
   */
  finish(): void {
    this.#checkUsable();
    if (this.#finished) return;
    this.#finished = true;
    this.#drive(NOTHING);
  }

  /** From the next sink call on, nothing is told until `resume`. May be called inside a sink call. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on with what came meanwhile, before it returns; inside a sink call, after that. May throw `PeerError` as `feed` does. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#running || this.#failure !== undefined) return;
    this.#drive(NOTHING);
  }

  /**
   * The bytes behind the last message, where another protocol begins: for CONNECT and accepted upgrades (RFC 9110 §7.8 and §9.3.6).
   * They are the caller's own. The reader is detached from then on. Throws `UsageError` inside a sink call, and in the
   * middle of a message other than CONNECT's.
   */
  takeRest(): Uint8Array {
    this.#checkUsable();
    if (this.#state !== START && this.#state < ENDED) {
      throw new UsageError("http1/wrong-state", "Cannot take the rest: a message is still being read");
    }
    this.#state = DETACHED;
    const unfinished = this.#lines.takeUnfinished();
    const waiting = this.#waiting.take();
    return unfinished.length === 0 ? waiting : Buffer.concat([unfinished, waiting]);
  }

  #checkUsable(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#running) {
      throw new UsageError("http1/re-entered", "Cannot use a reader inside its own sink call, except pause and resume");
    }
    if (this.#state === DETACHED) throw new UsageError("http1/wrong-state", "Cannot use a reader that was detached");
  }

  /** The one place where reading starts, and where failing is remembered. */
  #drive(bytes: Buffer): void {
    this.#running = true;
    try {
      if (this.#waiting.length === 0) {
        const used = this.#run(bytes);
        this.#waiting.append(bytes, used);
      } else {
        this.#waiting.append(bytes);
        if (!this.#paused) this.#waiting.consume(this.#run(this.#waiting.peek()));
      }
      if (this.#finished && !this.#paused) this.#finishNow();
    } catch (error) {
      this.#failure = { error };
      this.#waiting.clear();
      this.#lines.takeUnfinished();
      throw error;
    } finally {
      this.#lines.close();
      this.#running = false;
    }
  }

  /** Reads until the bytes are used up or the reader is paused or stopped; returns how many were used. */
  #run(bytes: Buffer): number {
    let at = 0;
    while (!this.#paused) {
      if (this.#state === ENDED) {
        this.#end();
        continue;
      }
      if (this.#state === STOPPED || at === bytes.length) return at;
      switch (this.#state) {
        case FIXED:
          at = this.#readFixed(bytes, at);
          break;
        case CHUNKS:
          at = this.#readChunk(bytes, at);
          break;
        case TO_CLOSE:
          this.#sink.onData(at === 0 ? bytes : bytes.subarray(at));
          return bytes.length;
        case CLOSED:
          return bytes.length;
        default:
          at = this.#readLines(bytes, at);
      }
    }
    return at;
  }

  #readFixed(bytes: Buffer, start: number): number {
    const end = Math.min(start + this.#remaining, bytes.length);
    this.#remaining -= end - start;
    if (this.#remaining === 0) this.#state = ENDED;
    this.#sink.onData(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
    return end;
  }

  #readChunk(bytes: Buffer, start: number): number {
    const end = this.#chunked.read(bytes, start);
    const dataStart = end - this.#chunked.dataLength;
    if (this.#chunked.complete) {
      this.#state = TRAILERS;
      this.#trailers.reset();
    }
    if (dataStart < end) this.#sink.onData(bytes.subarray(dataStart, end));
    return end;
  }

  /** Reads lines of a head or of trailers; returns up to where: the section's end, or the end of the bytes. */
  #readLines(bytes: Buffer, start: number): number {
    if (this.#state === START) this.messageStarting();
    const lines = this.#lines;
    const covered = lines.open(bytes, start);
    const at = this.#readWindow(lines);
    const left = lines.end - at;
    if (!this.#lineUnfinished) return covered - left;
    lines.keep(at);
    this.#checkUnfinished(lines);
    return covered;
  }

  /** Reads complete lines up to the end of their section; returns up to where. */
  #readWindow(lines: LineWindow): number {
    this.#lineUnfinished = true;
    let at = lines.start;
    while (this.#state === START) {
      if (at === lines.end) {
        this.#lineUnfinished = lines.unfinishedBytes > 0;
        return at;
      }
      const isEmptyLine = lines.bytes[at] === CR;
      const next = isEmptyLine ? this.#skipEmptyLine(lines, at) : this.readStartLine(lines, at);
      if (next === INCOMPLETE) return at;
      if (!isEmptyLine) this.#state = FIELDS;
      at = next;
    }
    const section = this.#state === TRAILERS ? this.#trailers : this.head;
    at = section.read(lines, at);
    if (section.complete) {
      this.#lineUnfinished = false;
      this.#sectionComplete();
    }
    return at;
  }

  #skipEmptyLine(lines: LineWindow, start: number): number {
    if (start + 1 === lines.end) return INCOMPLETE;
    if (lines.bytes[start + 1] !== LF) throw bareCarriageReturn();
    this.#emptyLineCount += 1;
    if (this.#emptyLineCount > this.maxEmptyLines) {
      throw new PeerError(
        "http1/too-many-empty-lines",
        `Cannot read head: more empty lines before it than the limit of ${this.maxEmptyLines}`,
      );
    }
    return start + 2;
  }

  /** A line without line feed may already be too long, or be no line of HTTP at all. */
  #checkUnfinished(lines: LineWindow): void {
    const byteCount = lines.unfinishedBytes;
    if (byteCount === 0) return;
    if (this.#state === TRAILERS) this.#trailers.checkLength(byteCount);
    else if (this.#state === FIELDS) this.head.checkLength(byteCount);
    else if (lines.unfinishedFirst !== CR) this.checkUnfinishedStartLine(lines);
    else if (byteCount > 1) throw bareCarriageReturn();
  }

  #sectionComplete(): void {
    if (this.#state === TRAILERS) {
      if (this.#trailers.fields.length > 0) this.#trailerFields = this.#trailers.fields;
      this.#state = ENDED;
      return;
    }
    this.#emptyLineCount = 0;
    this.#trailerFields = NO_FIELDS;
    this.#state = this.#startBody(this.headComplete());
    this.head.reset();
  }

  #startBody(length: number): number {
    switch (length) {
      case ANOTHER_HEAD:
        return START;
      case NOT_HTTP:
        return STOPPED;
      case CHUNKED:
        this.#chunked.reset();
        return CHUNKS;
      case UNTIL_CLOSE:
        return TO_CLOSE;
      default:
        this.#remaining = length;
        return length === 0 ? ENDED : FIXED;
    }
  }

  #end(): void {
    // Bytes behind a message that closes the connection are not requests or responses any more: RFC 9112 §9.6.
    this.#state = this.messageComplete() ? START : CLOSED;
    this.#sink.onEnd(this.#trailerFields);
  }

  #finishNow(): void {
    if (this.#state === TO_CLOSE) {
      this.#state = ENDED;
      this.#run(NOTHING);
      return;
    }
    if (!this.midMessage) return;
    const part = this.#state <= FIELDS ? "head" : "body";
    throw new PeerError(
      "http1/truncated",
      `Cannot read message: the peer stopped sending in the middle of its ${part}`,
    );
  }
}

function bareCarriageReturn(): PeerError {
  return new PeerError("http1/bare-carriage-return", "Cannot read head: a CR is not followed by LF (RFC 9112 §2.2)");
}
