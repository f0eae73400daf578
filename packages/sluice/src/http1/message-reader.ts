/**
 * What reading requests and reading responses have in common: bytes in, events out (RFC 9112 §2 and §6 to §7).
 *
 * Strategy: `feed` walks the given bytes where they lie. Heads and trailers are read line by line through a `LineWindow`; body data go
 * on as views of the given bytes. Only two things are ever copied: the unfinished end of a line, and what lies behind the
 * point at which the owner paused. Work is linear in the bytes received, however finely they are cut.
 *
 * The reader's state is one of the constants below. Moves:
 *
 *   start ── start line ──> fields ── empty line ──> body | ended (no body) | stopped (not HTTP) | start (interim)
 *   body ── all bytes, or finish ──> ended        body ── last chunk ──> trailers ── empty line ──> ended
 *   ended ── onEnd given ──> start (the connection persists) | closed (it doesn't)
 *   start, ended, stopped, closed ── takeRest ──> detached
 *
 * A `PeerError` thrown once is thrown for good: bytes after it are never looked at.
 */

import { Buffer } from "node:buffer";
import { ByteQueue } from "../bytes/byte-queue.js";
import { CR } from "../bytes/char-tables.js";
import { PeerError, UsageError } from "../errors.js";
import { BodyReader } from "./body-reader.js";
import { EmptyLines } from "./empty-lines.js";
import { FieldSection } from "./field-section.js";
import type { Http1Limits } from "./limits.js";
import { INCOMPLETE, LineWindow } from "./line-window.js";
import type { BodySink, FieldLines } from "./sinks.js";

/** What `headComplete` answers for an interim response: another head follows (RFC 9110 §15.2). */
export const ANOTHER_HEAD = -3;
/** What `headComplete` answers if what follows is not HTTP/1.1 any more: `takeRest`. */
export const NOT_HTTP = -4;

// The states above, and `detached`, which nothing leaves. Their order counts: before `STOPPED` a message is under way.
const START = 0;
const FIELDS = 1;
const BODY = 2;
const TRAILERS = 3;
const ENDED = 4;
const STOPPED = 5;
const CLOSED = 6;
const DETACHED = 7;

const NOTHING = Buffer.alloc(0);
const NO_FIELDS: FieldLines = Object.freeze([]);

/** Base of `RequestReader` and `ResponseReader`. */
export abstract class MessageReader {
  protected readonly head: FieldSection;
  protected readonly limits: Readonly<Http1Limits>;

  readonly #sink: BodySink;
  /** Made for the first chunked body. */
  #trailers: FieldSection | undefined = undefined;
  /** Measures the body that was announced last; chunks end with {@link #trailers}. */
  readonly #body: BodyReader;
  readonly #lines = new LineWindow();
  readonly #emptyLines: EmptyLines;
  /** What came while paused. */
  readonly #waiting = new ByteQueue();
  #state = START;
  /** Whether the text read last ended within a line. */
  #lineUnfinished = false;
  #paused = false;
  /** Inside `feed`, `finish` or `resume`: whoever calls now is the sink. */
  #running = false;
  /** The peer will send no more: what has come is still to be read. */
  #finished = false;
  /** What was thrown, once and for good. */
  #failure: { readonly error: unknown } | undefined = undefined;

  constructor(sink: BodySink, limits: Readonly<Http1Limits>, maxEmptyLines: number) {
    this.limits = limits;
    this.head = new FieldSection("head", limits);
    this.#body = new BodyReader(limits.maxChunkExtensionBytes);
    this.#emptyLines = new EmptyLines(maxEmptyLines);
    this.#sink = sink;
  }

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

  /** Bytes that came while it was paused and wait to be read. */
  get waitingBytes(): number {
    return this.#waiting.length;
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

  /** Reads `bytes` behind what waits, and lets what is left wait: the one place where reading starts, and where failing is remembered. */
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
      if (this.#state === CLOSED) return bytes.length;
      at = this.#state === BODY ? this.#readBody(bytes, at) : this.#readLines(bytes, at);
    }
    return at;
  }

  /** Passes on one run of data, as a view; pausing takes effect behind it. */
  #readBody(bytes: Buffer, start: number): number {
    const body = this.#body;
    const end = body.read(bytes, start);
    const dataStart = end - body.dataLength;
    // Before the sink is told, so that it finds the reader in the state that the bytes have brought about.
    if (body.complete) this.#state = body.isChunked ? TRAILERS : ENDED;
    if (dataStart < end) {
      this.#sink.onData(dataStart === 0 && end === bytes.length ? bytes : bytes.subarray(dataStart, end));
    }
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
      const next = isEmptyLine ? this.#emptyLines.read(lines, at) : this.readStartLine(lines, at);
      if (next === INCOMPLETE) return at;
      if (!isEmptyLine) this.#state = FIELDS;
      at = next;
    }
    const section = this.#state === TRAILERS ? this.#trailerSection() : this.head;
    at = section.read(lines, at);
    if (section.complete) {
      this.#lineUnfinished = false;
      this.#sectionComplete();
    }
    return at;
  }

  /** A line without line feed may already be too long, or be no line of HTTP at all. */
  #checkUnfinished(lines: LineWindow): void {
    const byteCount = lines.unfinishedBytes;
    if (byteCount === 0) return;
    if (this.#state === TRAILERS) this.#trailerSection().checkLength(byteCount);
    else if (this.#state === FIELDS) this.head.checkLength(byteCount);
    else if (lines.unfinishedFirst !== CR) this.checkUnfinishedStartLine(lines);
    else this.#emptyLines.checkUnfinished(byteCount);
  }

  /** The empty line has come: behind trailers the message ends, behind a head its body begins (RFC 9112 §6.3). */
  #sectionComplete(): void {
    if (this.#state === TRAILERS) {
      this.#state = ENDED;
      return;
    }
    this.#emptyLines.reset();
    this.#state = this.#startBody(this.headComplete());
    this.head.reset();
  }

  #startBody(length: number): number {
    if (length === ANOTHER_HEAD) return START;
    if (length === NOT_HTTP) return STOPPED;
    this.#body.start(length);
    if (this.#body.isChunked) this.#trailerSection().reset();
    return length === 0 ? ENDED : BODY;
  }

  #trailerSection(): FieldSection {
    this.#trailers ??= new FieldSection("trailers", this.limits);
    return this.#trailers;
  }

  #end(): void {
    // Bytes behind a message that closes the connection are not requests or responses any more: RFC 9112 §9.6.
    this.#state = this.messageComplete() ? START : CLOSED;
    this.#sink.onEnd(this.#body.isChunked ? this.#trailerSection().fields : NO_FIELDS);
  }

  /** The end of the connection ends some bodies (RFC 9112 §6.3, rule 8) and cuts off all other messages (§8). */
  #finishNow(): void {
    if (this.#state === BODY && this.#body.lastsUntilClose) {
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
