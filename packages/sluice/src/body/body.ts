/**
 * One incoming message body, read at most once: the response's at the client, the request's at the server.
 *
 * Two sides meet here. The producing side (a link) calls `push`, `finish` and `fail`, synchronously and never nested.
 * The consuming side (the user) chooses one way to read; a second one is refused with `UsageError` `body/already-used`.
 * The bytes in between are metered by `BodyFlow`. A body that is complete before anybody reads it costs one copy, and
 * one promise to get at; with {@link Body.takeWhole} not even that.
 *
 * Errors wait for a reader: a body that fails while nobody reads causes no unhandled rejection.
 */

import type { Readable } from "node:stream";
import type { ReadableStream as WebReadableStream } from "node:stream/web";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { UsageError } from "../errors.js";
import type { BodyDecoder } from "./body-decoder.js";
import { BodyFlow } from "./body-flow.js";
import type { BodyOwner, BodySource } from "./body-source.js";
import type { BodyTap } from "./body-tap.js";
import { ownExactly } from "./own-bytes.js";
import { AsTheyCome } from "./reading/as-they-come.js";
import { BodyIterator } from "./reading/body-iterator.js";
import { ByteReader } from "./reading/byte-reader.js";
import { ChunkCutter } from "./reading/chunk-cutter.js";
import { failReader, takeReaderSite } from "./reading/fail-reader.js";
import { JsonLines, type JsonLinesOptions } from "./reading/json-lines.js";
import { LineSplitter, type LinesOptions } from "./reading/lines.js";
import { BodyReadable } from "./reading/node-stream.js";
import { eachMade, wholeValid } from "./reading/valid-values.js";
import { toWebStream } from "./reading/web-stream.js";
import { collectWhole, dropRest, joinAll } from "./reading/whole.js";
import { schemaFirst, validate } from "./schema.js";
import { assertEncoding, decodeText, parseJson, parseJsonBy } from "./text.js";

export type { BodyOutcome, BodyOwner, BodySource } from "./body-source.js";

/** Bytes kept for a reader before the source is asked to stop, if nobody says otherwise. */
export const DEFAULT_HIGH_WATER_MARK = 64 * 1024;

/** What the producing side decides for its bodies; one object may serve all of them. */
export interface BodyOptions {
  /** Bytes kept before `push` returns false. At least 0. @default 65_536 */
  readonly highWaterMark?: number;
}

/** Options of the readers that take the whole body into memory. */
export interface WholeBodyOptions {
  /**
   * Most bytes to take in, after decoding; `Infinity` for no limit. Beyond it the body is cancelled and the reader gets
   * `ResponseTooLargeError` `body/too-large`. @default Infinity, or what the owner of the body has set as `maxBytes`
   */
  readonly maxBytes?: number;
}

/** Options of {@link Body.text}. */
export interface TextOptions extends WholeBodyOptions {
  /**
   * A label of the Encoding standard. Throws `UsageError` `options/unknown-encoding`. @default the message's charset,
   * else UTF-8
   */
  readonly encoding?: string;
}

const NO_OPTIONS: WholeBodyOptions = Object.freeze({});
const NO_SOURCE: BodySource = { pause() {}, resume() {}, cancel() {} };
const NO_TRAILERS: readonly string[] = Object.freeze([]);

/** A message body that is arriving, or has. */
export class Body implements AsyncIterable<Uint8Array> {
  /**
   * The length the message declares in bytes on the wire; set by the producing side when it knows. A hint for reading.
   */
  declaredLength: number | undefined = undefined;
  /** The limit of {@link WholeBodyOptions.maxBytes} where the reader names none. Set by the owner. */
  maxBytes: number = Number.POSITIVE_INFINITY;

  readonly #flow: BodyFlow;
  #used = false;

  constructor(source: BodySource, options: BodyOptions = {}) {
    this.#flow = new BodyFlow(source, options.highWaterMark ?? DEFAULT_HIGH_WATER_MARK);
  }

  /** A body without content, complete. */
  static empty(): Body {
    const body = new Body(NO_SOURCE);
    body.finish(NO_TRAILERS);
    return body;
  }

  /** A complete body of these bytes, which become its own. */
  static of(bytes: Uint8Array): Body {
    const body = new Body(NO_SOURCE);
    body.push(bytes, false);
    body.finish(NO_TRAILERS);
    return body;
  }

  // ── state ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether somebody has begun to read it, or to discard it. */
  get used(): boolean {
    return this.#used;
  }

  /** Whether all of it has arrived. */
  get complete(): boolean {
    return this.#flow.wire === "finished";
  }

  /** Whether the wire is done with it: complete, broken off, or given up. */
  get settled(): boolean {
    return this.#flow.wire !== "open";
  }

  /** Bytes that came from the wire, before decoding. */
  get bytesReceived(): number {
    return this.#flow.bytesReceived;
  }

  /**
   * The trailer section's field lines: name, value, name, value … Undefined until the body is complete (RFC 9110 §6.5).
   */
  get trailers(): readonly string[] | undefined {
    return this.#flow.trailers;
  }

  // ── the producing side ─────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Adds bytes; copied when `borrowed` and nobody takes them at once, otherwise they are the body's from now on.
   * Returns false above the high-water mark: stop, and wait for `source.resume()`. Ignored once the body is settled.
   */
  push(piece: Uint8Array, borrowed: boolean): boolean {
    return this.#flow.push(piece, borrowed);
  }

  /** All of it has been pushed. `trailers` are field lines, flat. */
  finish(trailers: readonly string[]): void {
    this.#flow.finish(trailers);
  }

  /** It broke off. What was pushed before is still delivered; then the reader gets `error`. */
  fail(error: Error): void {
    this.#flow.fail(error);
  }

  /** Names the one who is told about the end and the waiting; told at once of what has happened already. @internal */
  ownedBy(owner: BodyOwner): void {
    this.#flow.ownedBy(owner);
  }

  /**
   * Puts content codings between wire and reader. Before the first `push`, once: else `UsageError` `body/late-decoder`.
   * @internal
   */
  decodeWith(decoder: BodyDecoder): void {
    this.#flow.decodeWith(decoder);
  }

  /**
   * Lets `tap` see the content on its way to the reader, who notices nothing and whose pace it is. Before anybody reads, and one
   * only: otherwise it is told `onLost`.
   * @internal
   */
  tapBy(tap: BodyTap): void {
    if (this.#used) tap.onLost();
    else this.#flow.tapBy(tap);
  }

  // ── reading the whole ──────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The whole body at once, if it has arrived and nobody has begun to read; otherwise undefined, and nothing has
   * changed. The bytes may lie in a larger buffer. Throws what the body failed with, and `body/too-large` beyond
   * `maxBytes`. A large body with a content coding is not decoded here but gives undefined: read it in one of the other
   * ways.
   */
  takeWhole(maxBytes = this.maxBytes): Uint8Array | undefined {
    if (this.#used || this.#flow.wire === "open") return undefined;
    const pieces = this.#flow.takeAll();
    if (pieces === undefined) return undefined;
    this.#used = true;
    return joinAll(pieces, maxBytes);
  }

  /** The whole body, alone in its `ArrayBuffer`. */
  bytes(options: WholeBodyOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.#readWhole(options, ownExactly);
  }

  /** The whole body as text; by its charset, UTF-8 if it says nothing; malformed input becomes U+FFFD. */
  text(options: TextOptions = {}): Promise<string> {
    const { encoding } = options;
    try {
      if (encoding !== undefined) assertEncoding(encoding);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#readWhole(options, (bytes) => decodeText(bytes, encoding ?? this.#flow.owner?.charset()));
  }

  /**
   * The whole body as JSON in UTF-8. A body that is not JSON: `PayloadError` `body/invalid-json`. With a schema, what that makes
   * of it: `ValidationError` `body/schema-mismatch` if it refuses it.
   */
  json<T = unknown>(options?: WholeBodyOptions): Promise<T>;
  json<S extends StandardSchemaV1>(schema: S, options?: WholeBodyOptions): Promise<StandardSchemaV1.InferOutput<S>>;
  json(first?: StandardSchemaV1 | WholeBodyOptions, second?: WholeBodyOptions): Promise<unknown> {
    const { schema, options } = schemaFirst(first, second);
    const value = this.#readWhole(options ?? NO_OPTIONS, (bytes) => jsonFrom(bytes, this.#flow.owner?.parseJson));
    return schema === undefined ? value : wholeValid(value, schema, this.#flow);
  }

  /** The whole body as a `Blob` of the message's media type. */
  blob(options: WholeBodyOptions = {}): Promise<Blob> {
    return this.#readWhole(options, (bytes) => new Blob([bytes], { type: this.#flow.owner?.contentType() ?? "" }));
  }

  // ── reading in pieces ──────────────────────────────────────────────────────────────────────────────────────────────

  /** The pieces as they arrive. They are the reader's to keep and change. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array, undefined> {
    return this.#iterate(new AsTheyCome());
  }

  /** Pieces of exactly `size` bytes, the last one shorter. */
  chunks(size: number): AsyncIterableIterator<Uint8Array, undefined> {
    return this.#iterate(new ChunkCutter(size));
  }

  /** The lines of its text; see {@link LinesOptions}. */
  lines(options: LinesOptions = {}): AsyncIterableIterator<string, undefined> {
    return this.#iterate(new LineSplitter(options, this.#flow.owner?.charset()));
  }

  /**
   * The values of a body that is one JSON text a line (NDJSON), or a JSON text sequence (RFC 7464); see
   * {@link JsonLinesOptions}. With a schema, what that makes of each: `ValidationError` for one it refuses.
   */
  jsonLines<T = unknown>(options?: JsonLinesOptions): AsyncIterableIterator<T, undefined>;
  jsonLines<S extends StandardSchemaV1>(
    schema: S,
    options?: JsonLinesOptions,
  ): AsyncIterableIterator<StandardSchemaV1.InferOutput<S>, undefined>;
  jsonLines(
    first?: StandardSchemaV1 | JsonLinesOptions,
    second?: JsonLinesOptions,
  ): AsyncIterableIterator<unknown, undefined> {
    const { schema, options } = schemaFirst(first, second);
    const shaper = new JsonLines(options ?? {}, this.#flow.owner?.contentType());
    const values = this.#iterate(shaper);
    return schema === undefined
      ? values
      : eachMade(values, (value) => validate(schema, value, shaper.place), this.#flow);
  }

  /** Reads it by hand: so many bytes, or up to a separator. */
  reader(): ByteReader {
    return new ByteReader(this.#iterate(new AsTheyCome()));
  }

  /**
   * Gives the body to a reader of its own kind, which takes pieces from its flow. For readers that not everybody needs, and
   * that are therefore not known here.
   * @internal
   */
  readWith<T>(reader: (flow: BodyFlow) => T): T {
    this.#use();
    return reader(this.#flow);
  }

  /** A web byte stream over the body. */
  toWeb(): WebReadableStream<Uint8Array> {
    this.#use();
    return toWebStream(this.#flow, takeReaderSite(this.toWeb));
  }

  /** A Node stream over the body. */
  toNode(): Readable {
    this.#use();
    return new BodyReadable(this.#flow, takeReaderSite(this.toNode));
  }

  // ── not reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Lets the rest of the body pass unread, so that the connection can be used again; beyond `maxBytes` more the body is
   * cancelled instead. Resolves when the body is settled, and never rejects. A body that a reader has left in the
   * middle is cancelled.
   */
  discard(maxBytes: number = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#used || this.#flow.wire !== "open") {
      this.cancel();
      return Promise.resolve();
    }
    this.#used = true;
    return dropRest(this.#flow, maxBytes);
  }

  /** Gives the body up: whoever reads gets `reason`, the source stops. Harmless when it is over. */
  cancel(reason?: Error): void {
    this.#used = true;
    this.#flow.cancel(reason);
  }

  // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #use(): void {
    if (this.#used) {
      throw new UsageError(
        "body/already-used",
        "Cannot read the body: it was read, or is being read, and can be read only once",
      );
    }
    this.#used = true;
  }

  #iterate<T>(shaper: ConstructorParameters<typeof BodyIterator<T>>[1]): BodyIterator<T> {
    this.#use();
    return new BodyIterator(this.#flow, shaper);
  }

  #readWhole<T>(options: WholeBodyOptions, convert: (bytes: Uint8Array) => T): Promise<T> {
    const maxBytes = options.maxBytes ?? this.maxBytes;
    try {
      this.#use();
      const pieces = this.#flow.wire === "finished" ? this.#flow.takeAll() : undefined;
      if (pieces !== undefined) return Promise.resolve(convert(joinAll(pieces, maxBytes)));
    } catch (error) {
      return failReader(this.#flow, error);
    }
    return collectWhole(this.#flow, { maxBytes, declaredLength: this.declaredLength }, convert);
  }
}

function jsonFrom(bytes: Uint8Array, parse: ((text: string) => unknown) | undefined): unknown {
  const text = decodeText(bytes, undefined);
  return parse === undefined ? parseJson(text) : parseJsonBy(parse, text);
}
