/**
 * Reads `text/event-stream` (HTML Standard, §9.2.5 "Parsing an event stream" and §9.2.6 "Interpreting an event stream"): bytes
 * in, events out. Everything that the standard ignores is ignored; what it leaves unbounded is bounded.
 *
 * The clauses, in the order of their code: a byte order mark at the start is dropped; lines end with CRLF, LF or CR, and
 * one that ends with a CR is complete at once; an empty line dispatches, a colon at the start is a comment; one space
 * after the colon is dropped; unknown fields, ids with NUL and retry times that are not digits are ignored; an event without
 * data is none, but its id counts; what is not ended by an empty line is never dispatched.
 */

import { PayloadError, UsageError } from "../../errors.js";
import { DEFAULT_MAX_LINE_BYTES, LineCutter } from "../reading/line-cutter.js";
import type { Shaper } from "../reading/shaper.js";

/** One event of a stream. */
export interface ServerSentEvent<T = string> {
  /** Its type; `message` if the stream names none. */
  readonly event: string;
  /** The lines of its data, joined by LF; with a schema, what that made of the data parsed as JSON. */
  readonly data: T;
  /** The id of the latest event that had one, perhaps this; empty if there was none. */
  readonly id: string;
}

/** What a peer's event stream may make us hold. */
export interface EventStreamLimits {
  /**
   * Longest line in bytes, its end not counted; 1 or more, `Infinity` for no limit. A longer one ends the stream with
   * `PayloadError` `body/line-too-long`. @default 1_048_576
   */
  readonly maxLineBytes: number;
  /**
   * Most characters of one event's data; 1 or more, `Infinity` for no limit. More end the stream with `PayloadError`
   * `event-stream/event-too-large`. @default 4_194_304
   */
  readonly maxEventCharacters: number;
}

/** The limits of {@link EventStreamLimits} where nobody set one. */
export const EVENT_STREAM_DEFAULTS: EventStreamLimits = Object.freeze({
  maxLineBytes: DEFAULT_MAX_LINE_BYTES,
  maxEventCharacters: 4 * 1024 * 1024,
});

const COLON = 0x3a;
const SPACE = 0x20;
const DIGITS = /^\d+$/;

/** Fed pieces, gives events; one stream, from its beginning. */
export class EventStreamParser implements Shaper<ServerSentEvent> {
  readonly #cutter: LineCutter;
  readonly #maxCharacters: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #atStart = true;
  #type = "";
  #data: string[] = [];
  #characters = 0;
  #idBuffer: string;
  #lastEventId: string;
  #retryMs: number | undefined = undefined;

  /** `lastEventId`: of the stream that this one goes on from. Throws `UsageError` `options/out-of-range`. */
  constructor(limits: EventStreamLimits = EVENT_STREAM_DEFAULTS, lastEventId = "") {
    const { maxLineBytes, maxEventCharacters } = limits;
    this.#cutter = new LineCutter(maxLineBytes, "any");
    if (!(maxEventCharacters >= 1)) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot use maxEventCharacters ${maxEventCharacters}: a number from 1 is needed`,
      );
    }
    this.#maxCharacters = maxEventCharacters;
    this.#idBuffer = lastEventId;
    this.#lastEventId = lastEventId;
  }

  /** What a client sends as `Last-Event-ID` to go on from here; empty for none. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** Milliseconds to wait before connecting again, if the stream says so. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  feed(piece: Uint8Array): void {
    this.#cutter.feed(piece);
  }

  take(): ServerSentEvent | undefined {
    for (let line = this.#cutter.take(); line !== undefined; line = this.#cutter.take()) {
      const event = this.#takeLine(this.#atStart ? this.#withoutMark(line) : line);
      if (event !== undefined) return event;
    }
    return undefined;
  }

  /** What has not been dispatched never will be. */
  finish(): void {
    this.#data = [];
  }

  #withoutMark(line: Uint8Array): Uint8Array {
    this.#atStart = false;
    return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? line.subarray(3) : line;
  }

  #takeLine(line: Uint8Array): ServerSentEvent | undefined {
    if (line.byteLength === 0) return this.#dispatch();
    const colon = line.indexOf(COLON);
    if (colon === 0) return undefined;
    if (colon === -1) {
      this.#takeField(this.#decoder.decode(line), "");
      return undefined;
    }
    const from = line[colon + 1] === SPACE ? colon + 2 : colon + 1;
    this.#takeField(this.#decoder.decode(line.subarray(0, colon)), this.#decoder.decode(line.subarray(from)));
    return undefined;
  }

  #takeField(name: string, value: string): void {
    switch (name) {
      case "event":
        this.#type = value;
        break;
      case "data":
        this.#characters += value.length + 1;
        // The last LF is not part of the data.
        if (this.#characters - 1 > this.#maxCharacters) throw this.#tooLarge();
        this.#data.push(value);
        break;
      case "id":
        if (!value.includes("\0")) this.#idBuffer = value;
        break;
      case "retry":
        if (DIGITS.test(value)) this.#retryMs = Number(value);
        break;
    }
  }

  #dispatch(): ServerSentEvent | undefined {
    this.#lastEventId = this.#idBuffer;
    const type = this.#type;
    const lines = this.#data;
    this.#type = "";
    if (lines.length === 0) return undefined;
    this.#data = [];
    this.#characters = 0;
    return { event: type === "" ? "message" : type, data: lines.join("\n"), id: this.#lastEventId };
  }

  #tooLarge(): PayloadError {
    return new PayloadError(
      "event-stream/event-too-large",
      `Cannot read events: the data of one has more than ${this.#maxCharacters} characters; raise maxEventCharacters`,
    );
  }
}
