/**
 * Reading a request's body for a handler: bounded, and with every fault of the client's turned into the answer it deserves
 * (413, 415, 400, 408), so that a handler that reads without further ado is already correct.
 *
 * The whole body is read once and kept while the request lives: a middleware may look at the bytes and the handler still read
 * them as JSON.
 */

import { parseJson } from "../../body/text.js";
import { parseForm } from "../../body/urlencoded.js";
import { isJsonType, type MediaType, parseMediaType } from "../../http/media-type.js";
import type { ServerExchange } from "../exchange.js";
import { findField } from "../field-lookup.js";
import { HttpError } from "../http-error.js";
import { asAnswer, badRequest, tooLarge, unsupported } from "./body-faults.js";

/** How much a reader takes in. */
export interface ReadOptions {
  /** Most bytes of this body; beyond it 413. `Infinity` for no limit. @default the application's `maxBodySize` */
  readonly maxSize?: number;
}

/** How `json()` reads. */
export interface ReadJsonOptions extends ReadOptions {
  /** Whether another media type than JSON, or none, is refused with 415. @default true */
  readonly strict?: boolean;
}

/** How `form()` reads. */
export interface ReadFormOptions extends ReadOptions {
  /** Most fields; beyond it 400. `Infinity` for no limit. @default 1_000 */
  readonly maxFields?: number;
}

const FORM_TYPE = "application/x-www-form-urlencoded";
/** Kept: making one costs more than decoding a small body. It holds nothing between two whole bodies. */
const UTF8 = new TextDecoder("utf-8", { fatal: true });
const UTF8_LABEL = /^utf-?8$/i;

type Decoder = InstanceType<typeof TextDecoder>;

/** The body of one request. */
export class RequestBody {
  readonly #exchange: ServerExchange;
  readonly #maxSize: number;
  /** The whole body once it is here … */
  #whole: Uint8Array | undefined = undefined;
  /** … and the wait for it before. */
  #arriving: Promise<Uint8Array> | undefined = undefined;

  constructor(exchange: ServerExchange, maxSize: number) {
    this.#exchange = exchange;
    this.#maxSize = maxSize;
  }

  /** The bytes, alone in their `ArrayBuffer`; a copy each time. */
  async bytes(options: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#take(options));
  }

  /** The text in the charset of `Content-Type`, UTF-8 if it names none: 415 for an unknown charset, 400 for malformed text. */
  async text(options: ReadOptions = {}): Promise<string> {
    const charset = this.#mediaType()?.charset ?? "utf-8";
    return decode(decoderFor(charset), await this.#take(options));
  }

  /** The value of a JSON text: 415 unless it is declared as JSON in UTF-8, 400 if it is malformed or empty. */
  async json(options: ReadJsonOptions = {}): Promise<unknown> {
    if (options.strict ?? true) this.#assertJson();
    const text = decode(UTF8, await this.#take(options));
    try {
      return parseJson(text);
    } catch (cause) {
      throw badRequest("server/malformed-json", cause instanceof Error ? cause.message : "The body is not JSON", cause);
    }
  }

  /** The fields of an `application/x-www-form-urlencoded` body; 415 for any other type, 400 for malformed text or too many. */
  async form(options: ReadFormOptions = {}): Promise<URLSearchParams> {
    if (this.#mediaType()?.essence !== FORM_TYPE) throw unsupported(`Cannot read the body: expected ${FORM_TYPE}`);
    const text = decode(UTF8, await this.#take(options));
    try {
      return parseForm(text, options.maxFields);
    } catch (cause) {
      throw badRequest("server/form-fields", cause instanceof Error ? cause.message : "The form is malformed", cause);
    }
  }

  /** The pieces as they arrive, once; 413 when they become too many. */
  async *stream(options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const maxSize = options.maxSize ?? this.#maxSize;
    this.#assertDeclared(maxSize);
    let received = 0;
    try {
      for await (const piece of this.#exchange.body) {
        received += piece.byteLength;
        if (received > maxSize) throw tooLarge(maxSize);
        yield piece;
      }
    } catch (error) {
      throw asAnswer(error, maxSize);
    }
  }

  /** At once if it is here already: a small body comes with its head. */
  #take(options: ReadOptions): Uint8Array | Promise<Uint8Array> {
    const maxSize = options.maxSize ?? this.#maxSize;
    if (this.#whole !== undefined) return within(this.#whole, maxSize);
    if (this.#arriving !== undefined) return this.#arriving.then((bytes) => within(bytes, maxSize));
    this.#assertDeclared(maxSize);
    try {
      this.#whole = this.#exchange.body.takeWhole(maxSize);
    } catch (error) {
      throw asAnswer(error, maxSize);
    }
    if (this.#whole !== undefined) return this.#whole;
    this.#arriving = this.#wait(maxSize);
    return this.#arriving;
  }

  async #wait(maxSize: number): Promise<Uint8Array> {
    try {
      this.#whole = await this.#exchange.body.bytes({ maxBytes: maxSize });
      return this.#whole;
    } catch (error) {
      throw asAnswer(error, maxSize);
    }
  }

  /** Refuses before a byte is read, and before 100 (Continue) is sent (RFC 9110 §10.1.1). */
  #assertDeclared(maxSize: number): void {
    const declared = findField(this.#exchange.fields, "content-length");
    if (declared !== undefined && Number(declared) > maxSize) throw tooLarge(maxSize);
    const coding = findField(this.#exchange.fields, "content-encoding");
    if (coding === undefined || coding.toLowerCase() === "identity") return;
    // RFC 9110 §15.5.16: with Accept-Encoding, so that the client learns that it was the coding.
    const headers = { "Accept-Encoding": "identity" };
    throw new HttpError(415, "Cannot read the body: it has a content coding", {
      code: "server/content-coding",
      headers,
    });
  }

  #assertJson(): void {
    const type = this.#mediaType();
    if (type === undefined || !isJsonType(type)) throw unsupported("Cannot read the body: expected application/json");
    if (type.charset !== undefined && !UTF8_LABEL.test(type.charset))
      throw unsupported("Cannot read the body: JSON is UTF-8");
  }

  #mediaType(): MediaType | undefined {
    const value = findField(this.#exchange.fields, "content-type");
    return value === undefined ? undefined : parseMediaType(value);
  }
}

/** Bytes that were read under another limit. */
function within(bytes: Uint8Array, maxSize: number): Uint8Array {
  if (bytes.byteLength > maxSize) throw tooLarge(maxSize);
  return bytes;
}

function decoderFor(charset: string): Decoder {
  if (UTF8_LABEL.test(charset)) return UTF8;
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    throw unsupported(`Cannot read the body: unknown charset ${JSON.stringify(charset)}`);
  }
}

function decode(decoder: Decoder, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw badRequest("server/malformed-text", `The body is not valid ${decoder.encoding}`, cause);
  }
}
