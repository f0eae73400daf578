/**
 * What handlers read of a request's content (RFC 9110 §6.4): the half of `ServerRequest` that is about the body. How it is read, within
 * which limits, and which answer each fault deserves is decided in `request-body.ts`.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Body } from "../../body/body.js";
import type { MultipartPart } from "../../body/multipart/multipart-part.js";
import { isSchema } from "../../body/schema.js";
import { type MediaType, parseMediaType } from "../../http/media-type.js";
import type { TemporaryFiles } from "../../platform/temporary-files.js";
import type { ServerExchange } from "../exchange.js";
import { findField } from "../field-lookup.js";
import { matchType } from "./negotiation.js";
import type {
  ReadFormDataOptions,
  ReadFormOptions,
  ReadJsonOptions,
  ReadMultipartOptions,
  ReadOptions,
  ReadValidFormOptions,
} from "./read-options.js";
import type { RequestBody } from "./request-body.js";
import type { RequestForm } from "./request-form.js";

/** Base of `ServerRequest`. */
export abstract class RequestContent {
  /** The exchange that the request is seen through. @internal */
  protected abstract exchange(): ServerExchange;
  /** What reads its body, made when somebody asks for it. @internal */
  protected abstract reader(): RequestBody;
  /** Temporary files, in a folder of the user's choice, which end with the request. @internal */
  protected abstract storage(folder: string | undefined): TemporaryFiles;

  /** The media type of the body taken apart; undefined if none is named, or none that is valid. */
  get mediaType(): MediaType | undefined {
    const value = findField(this.exchange().fields, "content-type");
    return value === undefined ? undefined : parseMediaType(value);
  }

  /** The first of `types` that the body is said to be: short names as in `accepts`, ranges (`image/*`), suffixes (`+json`). */
  is<Type extends string>(...types: readonly Type[]): Type | undefined {
    return matchType(this.mediaType?.essence, types);
  }

  /** Bytes of the body on the wire, where the client says so beforehand. */
  get contentLength(): number | undefined {
    const declared = findField(this.exchange().fields, "content-length");
    return declared === undefined ? undefined : Number(declared);
  }

  /** Whether it has a body, be it empty. */
  get hasBody(): boolean {
    return this.exchange().hasBody;
  }

  /**
   * The body as JSON: 415 unless it is declared as such, 400 if malformed or empty, 413 beyond `maxBodySize`. With a Standard
   * Schema, what that makes of it, or 422 with a problem document that names every failing path.
   */
  json<Value = unknown>(options?: ReadJsonOptions): Promise<Value>;
  json<S extends StandardSchemaV1>(schema: S, options?: ReadJsonOptions): Promise<StandardSchemaV1.InferOutput<S>>;
  json(first?: StandardSchemaV1 | ReadJsonOptions, second?: ReadJsonOptions): Promise<unknown> {
    return this.reader().json(first, second);
  }

  /** The body as text in its charset (UTF-8 if it names none): 415 for an unknown one, 400 for malformed text, 413. */
  text(options?: ReadOptions): Promise<string> {
    return this.reader().text(options);
  }

  /** The body as it is; 413 beyond `maxBodySize`. */
  bytes(options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.reader().bytes(options);
  }

  /**
   * The fields of an `application/x-www-form-urlencoded` body; 415 for another type, 413 beyond `maxBodySize`. With a Standard Schema,
   * what that makes of a form in either encoding, or 422: it is given an object of texts and, for files, of {@link UploadedFile}.
   */
  form(options?: ReadFormOptions): Promise<URLSearchParams>;
  form<S extends StandardSchemaV1>(schema: S, options?: ReadValidFormOptions): Promise<StandardSchemaV1.InferOutput<S>>;
  form(first?: StandardSchemaV1 | ReadFormOptions, second: ReadValidFormOptions = {}): Promise<unknown> {
    if (isSchema(first)) return this.reader().validForm(first, second, (folder) => this.storage(folder));
    return this.reader().form(first);
  }

  /**
   * A form with its files, in either encoding, received whole; files beyond `maxMemory` lie in temporary storage until the request is
   * answered. 415 for another type, 400 if malformed, 413 beyond `maxSize` or another limit. Asked again, it is the same form.
   */
  formData(options: ReadFormDataOptions = {}): Promise<RequestForm> {
    return this.reader().formData(options, (folder) => this.storage(folder));
  }

  /** The parts of a multipart body as they arrive, each to be read before the next; 415 for another type, 400, 413. */
  multipart(options?: ReadMultipartOptions): AsyncIterableIterator<MultipartPart> {
    return this.reader().multipart(options);
  }

  /** The body in pieces as they arrive, to be iterated once; 413 beyond `maxBodySize`, which `maxSize` can lift. */
  stream(options?: ReadOptions): AsyncIterable<Uint8Array> {
    return this.reader().stream(options);
  }

  /** The body as the connection has it, without limits: for code that takes over all of its handling. */
  get body(): Body {
    return this.exchange().body;
  }
}
