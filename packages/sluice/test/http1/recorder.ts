/** Feeds readers with wire bytes, cut as asked and poisoned after every feed, and writes down what they tell. */

import { expect } from "vitest";
import { PeerError } from "../../src/errors.js";
import { HTTP1_LIMITS, HTTP1_RESPONSE_LIMITS, type Http1Limits } from "../../src/http1/limits.js";
import { RequestReader } from "../../src/http1/request-reader.js";
import { ResponseReader } from "../../src/http1/response-reader.js";
import type { FieldLines, RequestSink, ResponseSink } from "../../src/http1/sinks.js";

export type Event =
  | {
      readonly type: "request";
      readonly method: string;
      readonly target: string;
      readonly version: number;
      readonly length: number;
      readonly flags: number;
      readonly fields: FieldLines;
    }
  | {
      readonly type: "response";
      readonly status: number;
      readonly reason: string;
      readonly version: number;
      readonly length: number;
      readonly flags: number;
      readonly fields: FieldLines;
    }
  | { readonly type: "interim"; readonly status: number; readonly reason: string; readonly fields: FieldLines }
  | { readonly type: "data"; readonly text: string }
  | { readonly type: "end"; readonly trailers: FieldLines };

/** What came of feeding: events, and the code and status of the error that ended it, if one did. */
export interface Outcome {
  readonly events: Event[];
  readonly error: string | undefined;
  readonly status: number | undefined;
}

/** A sink that copies what it is told; neighbouring pieces of data become one event, so that cuts don't show. */
export class Recorder implements RequestSink, ResponseSink {
  readonly events: Event[] = [];
  /** Called after each event is written down. */
  afterEvent: (event: Event) => void = () => {};

  onHead(
    ...head: [string, string, number, number, number, FieldLines] | [number, string, number, number, number, FieldLines]
  ): void {
    const [first, second, version, length, flags, fields] = head;
    if (typeof first === "string") {
      this.#add({ type: "request", method: first, target: second, version, length, flags, fields });
    } else {
      this.#add({ type: "response", status: first, reason: second, version, length, flags, fields });
    }
  }

  onInformational(status: number, reason: string, fields: FieldLines): void {
    this.#add({ type: "interim", status, reason, fields });
  }

  onData(piece: Uint8Array): void {
    const text = Buffer.from(piece).toString("latin1");
    expect(text).not.toBe("");
    const last = this.events.at(-1);
    if (last?.type === "data") this.events[this.events.length - 1] = { type: "data", text: last.text + text };
    else this.events.push({ type: "data", text });
    this.afterEvent({ type: "data", text });
  }

  onEnd(trailers: FieldLines): void {
    this.#add({ type: "end", trailers });
  }

  #add(event: Event): void {
    this.events.push(event);
    this.afterEvent(event);
  }
}

export function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** A request announced to a response reader. */
export interface Asked {
  readonly method: string;
  readonly upgrade?: boolean;
}

export interface FeedOptions {
  readonly limits?: Partial<Http1Limits>;
  /** Offsets at which the wire is cut; none: one feed. */
  readonly cuts?: readonly number[];
  /** Whether the peer's FIN follows. */
  readonly finish?: boolean;
}

export function readRequests(wire: string | Buffer, options: FeedOptions = {}): Outcome {
  const recorder = new Recorder();
  const reader = new RequestReader(recorder, { ...HTTP1_LIMITS, ...options.limits });
  return feedPieces(reader, recorder, wire, options);
}

export function readResponses(wire: string | Buffer, asked: readonly Asked[], options: FeedOptions = {}): Outcome {
  const recorder = new Recorder();
  const reader = new ResponseReader(recorder, { ...HTTP1_RESPONSE_LIMITS, ...options.limits });
  for (const { method, upgrade } of asked) reader.expect(method, upgrade);
  return feedPieces(reader, recorder, wire, options);
}

/** What `read` answers for the whole wire, after checking that it answers the same at every cut, and octet by octet. */
export function atEveryCut(wire: string | Buffer, read: (wire: Buffer, cuts: readonly number[]) => Outcome): Outcome {
  const bytes = typeof wire === "string" ? latin1(wire) : wire;
  const whole = read(bytes, []);
  for (let cut = 1; cut < bytes.length; cut += 1) expect(read(bytes, [cut]), `cut at ${cut}`).toEqual(whole);
  const everywhere = Array.from({ length: Math.max(0, bytes.length - 1) }, (_, index) => index + 1);
  expect(read(bytes, everywhere), "octet by octet").toEqual(whole);
  return whole;
}

export function requestsAtEveryCut(wire: string | Buffer, options: FeedOptions = {}): Outcome {
  return atEveryCut(wire, (bytes, cuts) => readRequests(bytes, { ...options, cuts }));
}

export function responsesAtEveryCut(
  wire: string | Buffer,
  asked: readonly Asked[],
  options: FeedOptions = {},
): Outcome {
  return atEveryCut(wire, (bytes, cuts) => readResponses(bytes, asked, { ...options, cuts }));
}

/** Feeds a copy of each piece and then overwrites it, as a transport does that reads into one buffer again and again. */
export function feedPoisoned(reader: RequestReader | ResponseReader, piece: Uint8Array): void {
  const lent = Buffer.from(piece);
  try {
    reader.feed(lent);
  } finally {
    lent.fill(0x58);
  }
}

function feedPieces(
  reader: RequestReader | ResponseReader,
  recorder: Recorder,
  wire: string | Buffer,
  { cuts = [], finish = false }: FeedOptions,
): Outcome {
  const bytes = typeof wire === "string" ? latin1(wire) : wire;
  try {
    let start = 0;
    for (const cut of [...cuts, bytes.length]) {
      feedPoisoned(reader, bytes.subarray(start, cut));
      start = cut;
    }
    if (finish) reader.finish();
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    return { events: recorder.events, error: error.code, status: error.statusHint };
  }
  return { events: recorder.events, error: undefined, status: undefined };
}
