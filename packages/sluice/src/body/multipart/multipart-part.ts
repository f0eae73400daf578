/** One part of a multipart body: its header, and a body of its own. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { HttpHeaders } from "../../http/headers.js";
import { parseMediaType } from "../../http/media-type.js";
import { Body, type BodyOwner, type TextOptions, type WholeBodyOptions } from "../body.js";
import { schemaFirst } from "../schema.js";
import { parseDisposition } from "./disposition.js";

/** Writes a body to a file and resolves to its size in bytes; lent by the layer that may touch files. */
export type SavePart = (path: string | URL, body: Body) => Promise<number>;

/** What a part's body reports to. */
export interface PartOwner {
  /** A reader of the part begins (or stops) to wait for bytes. */
  partWaits(part: MultipartPart, waiting: boolean): void;
  /** A reader of the part is about to be given `error`. */
  describe: BodyOwner["describe"];
  /** What that reader gets in its place. */
  translate(error: unknown): unknown;
}

/** What the parts of one body have in common. */
export interface PartSurroundings {
  readonly owner: PartOwner;
  readonly save: SavePart;
  /** `maxBytes` of each part's body. */
  readonly maxBytes: number;
}

const NO_SOURCE = { pause() {}, resume() {}, cancel() {} };

/** Read once, in one of its ways, and before the next part is asked for. */
export class MultipartPart implements AsyncIterable<Uint8Array> {
  /** Immutable. */
  readonly headers: HttpHeaders;
  /** The form field's name; undefined where the part has none. */
  readonly name: string | undefined;
  /** What the sender calls the file. It is not a path: do not write to where it says. */
  readonly filename: string | undefined;
  readonly body: Body;
  readonly #save: SavePart;

  constructor(fields: readonly string[], { owner, save, maxBytes }: PartSurroundings) {
    this.headers = HttpHeaders.fromFields(fields, { immutable: true });
    const { name, filename } = parseDisposition(this.headers.get("content-disposition"));
    this.name = name;
    this.filename = filename;
    this.#save = save;
    this.body = new Body(NO_SOURCE);
    this.body.maxBytes = maxBytes;
    this.body.ownedBy({
      onSettled() {},
      onWaiting: (waiting) => owner.partWaits(this, waiting),
      contentType: () => this.type,
      charset: () => (this.type === undefined ? undefined : parseMediaType(this.type)?.charset),
      describe: (error) => owner.describe(error),
      translate: (error) => owner.translate(error),
    });
  }

  /** Whether it is a form field, and no file. */
  get isField(): boolean {
    return this.name !== undefined && this.filename === undefined;
  }

  /** The `Content-Type` as sent; undefined if there is none (RFC 7578 §4.4 takes that for text). */
  get type(): string | undefined {
    return this.headers.get("content-type") ?? undefined;
  }

  /** The whole content as text, by its type's charset, else UTF-8. Throws `ResponseTooLargeError` beyond `maxBytes`. */
  text(options?: TextOptions): Promise<string> {
    return this.body.text(options);
  }

  bytes(options?: WholeBodyOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.body.bytes(options);
  }

  /** The whole content as JSON, whatever its type; with a schema, what that makes of it. See {@link Body.json}. */
  json<T = unknown>(options?: WholeBodyOptions): Promise<T>;
  json<S extends StandardSchemaV1>(schema: S, options?: WholeBodyOptions): Promise<StandardSchemaV1.InferOutput<S>>;
  json(first?: StandardSchemaV1 | WholeBodyOptions, second?: WholeBodyOptions): Promise<unknown> {
    const { schema, options } = schemaFirst(first, second);
    return schema === undefined ? this.body.json(options) : this.body.json(schema, options);
  }

  /** Writes the content to a file, which appears under `path` only when it is complete. Resolves to its size in bytes. */
  save(path: string | URL): Promise<number> {
    return this.#save(path, this.body);
  }

  /** The pieces of the content as they arrive. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array, undefined> {
    return this.body[Symbol.asyncIterator]();
  }
}
