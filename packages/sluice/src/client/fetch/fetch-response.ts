/**
 * What `fetch` resolves to: an object that is a `Response` by its prototype chain, and works on our own answer. A native one costs
 * as much as the whole request does (11 to 21 µs); of this one, headers and stream are made when they are asked for.
 *
 * What the platform keeps inside its own objects is not in this one. Where that is found by a symbol (Node 20 and 22), asking for
 * it makes a native response on the spot, so that `Response.prototype.text.call(response)` works; where it is a private field,
 * `new Response(response.body, response)` makes one.
 */
import type { ReadableStream as WebReadableStream } from "node:stream/web";
import type { Body } from "../../body/body.js";
import { ownExactly } from "../../body/own-bytes.js";
import { wasRead } from "../../body/reading/node-stream.js";
import { decodeText } from "../../body/text.js";
import type { FieldLines } from "../../http1/sinks.js";
import { findField } from "../field-lines.js";
import { ResponseHeaders } from "./response-headers.js";
import { bodyFailure, collectStream, responseStream, spentStream } from "./response-stream.js";

/** The head of an answer. A `ClientResponse` is one. */
export interface FetchHead {
  readonly status: number;
  readonly statusText: string;
  readonly fields: FieldLines;
  /** May have a fragment, which is not shown. */
  readonly url: string;
  readonly redirected: boolean;
  /** Without secrets: for `inspect`. */
  toJSON(): Record<string, unknown>;
}

/** What else a response is made of. */
export interface FetchResponseParts {
  /** Undefined: the answer has none, and `body` is null. */
  readonly body: Body | undefined;
  readonly type: "basic" | "cors";
}

const EMPTY = new Uint8Array(0);

/** See the head of this file. Typed as `Response` where it leaves the library. */
export class FetchResponse {
  readonly #head: FetchHead;
  readonly #parts: FetchResponseParts;
  #headers: ResponseHeaders | undefined;
  #stream: WebReadableStream<Uint8Array> | undefined;
  #native: Response | undefined;
  /** Read by one of the methods, and not through the stream. */
  #taken = false;

  constructor(head: FetchHead, parts: FetchResponseParts) {
    this.#head = head;
    this.#parts = parts;
  }

  get status(): number {
    return this.#head.status;
  }

  get ok(): boolean {
    const { status } = this.#head;
    return status >= 200 && status < 300;
  }

  get statusText(): string {
    return this.#head.statusText;
  }

  get type(): "basic" | "cors" {
    return this.#parts.type;
  }

  get url(): string {
    const { url } = this.#head;
    const hash = url.indexOf("#");
    return hash === -1 ? url : url.slice(0, hash);
  }

  get redirected(): boolean {
    return this.#head.redirected;
  }

  get headers(): ResponseHeaders {
    this.#headers ??= new ResponseHeaders(this.#head.fields);
    return this.#headers;
  }

  get body(): WebReadableStream<Uint8Array> | null {
    const { body } = this.#parts;
    if (this.#stream === undefined && body !== undefined) {
      this.#stream = this.#taken ? spentStream() : responseStream(body);
    }
    return this.#stream ?? null;
  }

  get bodyUsed(): boolean {
    return this.#taken || (this.#stream !== undefined && wasRead(this.#stream));
  }

  /** UTF-8, whatever `Content-Type` says (Fetch §5.3 "package data"). */
  async text(): Promise<string> {
    return decodeText(await this.#read(), undefined);
  }

  /** Rejects with `SyntaxError` for what is not JSON. */
  async json(): Promise<unknown> {
    return JSON.parse(decodeText(await this.#read(), undefined));
  }

  async bytes(): Promise<Uint8Array> {
    return ownExactly(await this.#read());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return ownExactly(await this.#read()).buffer;
  }

  async blob(): Promise<Blob> {
    return this.#repacked(await this.#read()).blob();
  }

  async formData(): Promise<FormData> {
    return this.#repacked(await this.#read()).formData();
  }

  /** Throws `TypeError` where the body was read or is being read. */
  clone(): FetchResponse {
    if (this.#unusable) throw new TypeError("Cannot clone the response: its body was read, or is locked");
    const copy = new FetchResponse(this.#head, this.#parts);
    const { body } = this;
    if (body !== null) [this.#stream, copy.#stream] = body.tee();
    return copy;
  }

  /** Nothing secret: no body, no query values but those in `showQuery`, no values of secret headers. */
  [Symbol.for("nodejs.util.inspect.custom")](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    const { method: _method, ...head } = this.#head.toJSON();
    const { ok, type, bodyUsed } = this;
    return `Response ${inspect({ ...head, ok, type, bodyUsed }, options)}`;
  }

  get #unusable(): boolean {
    return this.bodyUsed || this.#stream?.locked === true;
  }

  async #read(): Promise<Uint8Array> {
    const { body } = this.#parts;
    if (body === undefined && this.#stream === undefined) return EMPTY;
    if (this.#unusable) throw new TypeError("Cannot read the body: it was read already, or is locked to a reader");
    this.#taken = true;
    if (this.#stream !== undefined || body === undefined) return collectStream(this.#stream ?? spentStream());
    try {
      return body.takeWhole() ?? (await body.bytes());
    } catch (error) {
      throw bodyFailure(error);
    }
  }

  /** Media types and multipart bodies are parsed by the platform, as it does it for its own. */
  #repacked(bytes: Uint8Array): Response {
    const type = findField(this.#head.fields, "content-type");
    return new Response(bytes, type === undefined ? {} : { headers: { "content-type": type } });
  }

  #asNative(): Response {
    const { status, statusText } = this.#head;
    this.#native ??= new Response(this.body, { status, statusText, headers: [...this.#pairs()] });
    return this.#native;
  }

  *#pairs(): Generator<[string, string]> {
    const { fields } = this.#head;
    for (let at = 0; at < fields.length; at += 2) yield [fields[at] ?? "", fields[at + 1] ?? ""];
  }

  static {
    const { prototype } = FetchResponse;
    Object.setPrototypeOf(prototype, Response.prototype);
    Object.defineProperty(prototype, "constructor", { value: Response, writable: true, configurable: true });
    for (const key of Object.getOwnPropertySymbols(new Response(null))) {
      const get = function (this: FetchResponse): unknown {
        return Reflect.get(this.#asNative(), key);
      };
      Object.defineProperty(prototype, key, { get, configurable: true });
    }
  }
}
