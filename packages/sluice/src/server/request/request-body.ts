/**
 * Reading a request's body for a handler: bounded, decoded, and with every fault of the client's turned into the answer it deserves
 * (413, 415, 400, 408, 422), so that a handler that reads without further ado is already correct.
 *
 * The whole body is read once and kept while the request lives: a middleware may look at the bytes and the handler still read
 * them as JSON.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { Body } from "../../body/body.js";
import { decodedBody } from "../../body/decoded-body.js";
import { MULTIPART_DEFAULTS } from "../../body/multipart/multipart-limits.js";
import type { MultipartPart } from "../../body/multipart/multipart-part.js";
import { schemaFirst } from "../../body/schema.js";
import { parseJson } from "../../body/text.js";
import { parseForm } from "../../body/urlencoded.js";
import { isJsonType, type MediaType, parseMediaType } from "../../http/media-type.js";
import { refuseUnknown, requireNumber } from "../../options.js";
import type { TemporaryFiles } from "../../platform/temporary-files.js";
import type { ServerExchange } from "../exchange.js";
import { findField, joinField } from "../field-lookup.js";
import { asAnswer, badRequest, tooLarge, unsupported } from "./body-faults.js";
import type { Decompression } from "./decompression.js";
import { valuesByName } from "./field-values.js";
import type {
  ReadFormDataOptions,
  ReadFormOptions,
  ReadJsonOptions,
  ReadMultipartOptions,
  ReadOptions,
  ReadValidFormOptions,
} from "./read-options.js";
import { RequestForm } from "./request-form.js";
import { validated } from "./validation.js";

/** What reading needs from the application. */
export interface BodySurroundings {
  readonly maxBodySize: number;
  readonly decompression: Decompression;
}

const FORM_TYPE = "application/x-www-form-urlencoded";
const MULTIPART_FORM_TYPE = "multipart/form-data";
const DEFAULT_MAX_MEMORY = 1024 * 1024;
/** Kept: making one costs more than decoding a small body. It holds nothing between two whole bodies. */
const UTF8 = new TextDecoder("utf-8", { fatal: true });
const UTF8_LABEL = /^utf-?8$/i;

const READ_NAMES: ReadonlySet<string> = new Set<keyof ReadOptions>(["maxSize"]);
const JSON_NAMES: ReadonlySet<string> = new Set<keyof ReadJsonOptions>(["maxSize", "strict"]);
const FORM_NAMES: ReadonlySet<string> = new Set<keyof ReadFormOptions>(["maxSize", "maxFields"]);
const MULTIPART_NAMES: ReadonlySet<string> = new Set(
  ["maxSize", ...Object.keys(MULTIPART_DEFAULTS)].filter((name) => name !== "maxTotalBytes"),
);

type Decoder = InstanceType<typeof TextDecoder>;

/** Makes the temporary storage of one request, in a folder of the user's choice, and sees to its end. */
export type StorageMaker = (folder: string | undefined) => TemporaryFiles;

/** The body of one request. */
export class RequestBody {
  readonly #exchange: ServerExchange;
  readonly #decompression: Decompression;
  readonly #maxSize: number;
  /** What is read: the body itself, or what it is decoded to. */
  #content: Body | undefined = undefined;
  /** The whole of it once it is here … */
  #whole: Uint8Array | undefined = undefined;
  /** … and the wait for it before. */
  #arriving: Promise<Uint8Array> | undefined = undefined;
  #form: Promise<RequestForm> | undefined = undefined;

  /** `maxSize` goes before the application's `maxBodySize`. */
  constructor(exchange: ServerExchange, surroundings: BodySurroundings, maxSize = surroundings.maxBodySize) {
    this.#exchange = exchange;
    this.#decompression = surroundings.decompression;
    this.#maxSize = maxSize;
  }

  /** The bytes, alone in their `ArrayBuffer`; a copy each time. */
  async bytes(options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#take(this.#limit("bytes", options, READ_NAMES)));
  }

  /** The text in the charset of `Content-Type`, UTF-8 if it names none: 415 for an unknown charset, 400 for malformed text. */
  async text(options?: ReadOptions): Promise<string> {
    const maxSize = this.#limit("text", options, READ_NAMES);
    const charset = this.#mediaType()?.charset ?? "utf-8";
    return decode(decoderFor(charset), await this.#take(maxSize));
  }

  /** The value of a JSON text: 415 unless it is declared as JSON in UTF-8, 400 if it is malformed or empty, 422 by the schema. */
  async json(first?: StandardSchemaV1 | ReadJsonOptions, second?: ReadJsonOptions): Promise<unknown> {
    const { schema, options } =
      first === undefined ? { schema: undefined, options: second } : schemaFirst(first, second);
    const maxSize = this.#limit("json", options, JSON_NAMES);
    if (options?.strict ?? true) this.#assertJson();
    const value = jsonFrom(decode(UTF8, await this.#take(maxSize)));
    return schema === undefined ? value : validated(schema, value, "body");
  }

  /** The fields of an `application/x-www-form-urlencoded` body; 415 for any other type, 400 for malformed text or too many. */
  async form(options?: ReadFormOptions): Promise<URLSearchParams> {
    const maxSize = this.#limit("form", options, FORM_NAMES);
    if (this.#mediaType()?.essence !== FORM_TYPE) throw unsupported(`Cannot read the body: expected ${FORM_TYPE}`);
    return this.#readFields(maxSize, options?.maxFields);
  }

  /** What `schema` makes of a form in either encoding, or 422. */
  async validForm(schema: StandardSchemaV1, options: ReadValidFormOptions, storage: StorageMaker): Promise<unknown> {
    const { lists, ...rest } = options;
    const form = await this.formData(rest, storage);
    return validated(schema, valuesByName(form, lists), "body");
  }

  /** The pieces as they arrive, once; 413 when they become too many. */
  async *stream(options?: ReadOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const maxSize = this.#limit("stream", options, READ_NAMES);
    let received = 0;
    try {
      for await (const piece of this.#open(maxSize)) {
        received += piece.byteLength;
        if (received > maxSize) throw tooLarge(maxSize);
        yield piece;
      }
    } catch (error) {
      throw asAnswer(error, maxSize);
    }
  }

  /** The parts of a multipart body, once, each to be read before the next; 415 for another type, 400 and 413 as they come. */
  async *multipart(options: ReadMultipartOptions = {}): AsyncGenerator<MultipartPart, void, undefined> {
    const maxSize = this.#limit("multipart", options, MULTIPART_NAMES);
    const { partsOf } = await import("./request-multipart.js");
    const contentType = findField(this.#exchange.fields, "content-type");
    const about = { contentType, maxSize, maxPartSize: Math.min(maxSize, this.#maxSize) };
    yield* partsOf(() => this.#open(maxSize), options, about);
  }

  /** A form in either encoding, whole, once and the same for whoever asks again. `storage` is asked for when there are files. */
  formData(options: ReadFormDataOptions, storage: StorageMaker): Promise<RequestForm> {
    this.#form ??= this.#collect(options, storage);
    return this.#form;
  }

  async #collect(given: ReadFormDataOptions, storage: StorageMaker): Promise<RequestForm> {
    const { maxMemory = DEFAULT_MAX_MEMORY, temporaryFolder, ...options } = given;
    const maxSize = this.#limit("formData", options, MULTIPART_NAMES);
    requireNumber("maxMemory", maxMemory, 0, Number.POSITIVE_INFINITY);
    const essence = this.#mediaType()?.essence;
    if (essence === FORM_TYPE) return new RequestForm([...(await this.#readFields(maxSize, options.maxFields))]);
    if (essence !== MULTIPART_FORM_TYPE) {
      throw unsupported(`Cannot read the body: expected ${MULTIPART_FORM_TYPE} or ${FORM_TYPE}`);
    }
    // Before anything is waited for: whoever answers meanwhile ends the storage, too.
    const temporary = storage(temporaryFolder);
    const { collectForm } = await import("./collect-form.js");
    return await collectForm(this.multipart(options), {
      maxFieldMemory: Math.min(maxSize, this.#maxSize),
      maxMemory,
      temporary,
    });
  }

  async #readFields(maxSize: number, maxFields: number | undefined): Promise<URLSearchParams> {
    const text = decode(UTF8, await this.#take(maxSize));
    try {
      return parseForm(text, maxFields);
    } catch (cause) {
      throw badRequest("server/form-fields", cause instanceof Error ? cause.message : "The form is malformed", cause);
    }
  }

  /** The limit on the size for a reader. */
  #limit(reader: string, options: ReadOptions | undefined, known: ReadonlySet<string>): number {
    if (options === undefined) return this.#maxSize;
    refuseUnknown(reader, options, known);
    const { maxSize = this.#maxSize } = options;
    requireNumber("maxSize", maxSize, 0, Number.POSITIVE_INFINITY);
    return maxSize;
  }

  /** At once if it is here already: a small body comes with its head. */
  #take(maxSize: number): Uint8Array | Promise<Uint8Array> {
    if (this.#whole !== undefined) return within(this.#whole, maxSize);
    if (this.#arriving !== undefined) return this.#arriving.then((bytes) => within(bytes, maxSize));
    const content = this.#open(maxSize);
    try {
      this.#whole = content.takeWhole(maxSize);
    } catch (error) {
      throw asAnswer(error, maxSize);
    }
    if (this.#whole !== undefined) return this.#whole;
    this.#arriving = this.#wait(content, maxSize);
    return this.#arriving;
  }

  async #wait(content: Body, maxSize: number): Promise<Uint8Array> {
    try {
      this.#whole = await content.bytes({ maxBytes: maxSize });
      return this.#whole;
    } catch (error) {
      throw asAnswer(error, maxSize);
    }
  }

  /**
   * What is to be read. Refuses what is declared as too large, or in a coding that is not known, before a byte is read, and before 100
   * (Continue) is sent (RFC 9110 §10.1.1).
   */
  #open(maxSize: number): Body {
    if (this.#whole !== undefined) return Body.of(within(this.#whole, maxSize).slice());
    const { fields } = this.#exchange;
    const declared = findField(fields, "content-length");
    if (declared !== undefined && Number(declared) > maxSize) throw tooLarge(maxSize);
    if (this.#content !== undefined) return this.#content;
    const codings = joinField(fields, "content-encoding");
    const decoder = codings === undefined ? undefined : this.#decompression.decoderOf(codings);
    const { body } = this.#exchange;
    this.#content = decoder === undefined ? body : decodedBody(body, decoder, maxSize);
    return this.#content;
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

function jsonFrom(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw badRequest("server/malformed-json", cause instanceof Error ? cause.message : "The body is not JSON", cause);
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
