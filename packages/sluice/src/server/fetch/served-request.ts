/**
 * The `Request` that a fetch-style application gets: one by its prototype chain, that works on our own exchange. A native one costs
 * as much as serving the whole request; of this one, headers, signal and stream are made when they are asked for, and
 * reading the whole body takes no stream. What it does not do itself is done by a native request, made at that moment
 * (`native-delegation.ts`).
 */

import type { ReadableStream as WebReadableStream } from "node:stream/web";
import { ownExactly } from "../../body/own-bytes.js";
import { wasRead } from "../../body/reading/node-stream.js";
import { decodeText } from "../../body/text.js";
import type { ServerExchange } from "../exchange.js";
import { findField } from "../field-lookup.js";
import { bodyFailure, bodyTooLarge } from "./body-failure.js";
import { delegateRest, looksInsideBySymbol } from "./native-delegation.js";
import { ServedHeaders } from "./served-headers.js";
import { type StreamBound, servedStream, spentStream } from "./served-stream.js";

const EMPTY = new Uint8Array(0);
/** Methods that the Fetch standard writes in capitals (§4.1 "normalize"). */
const NORMALISED: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const LOWER_CASE = /[a-z]/;

/** See the head of this file. Typed as `Request` where it leaves the library. */
export class ServedRequest {
  readonly #exchange: ServerExchange;
  readonly #url: string;
  readonly #maxBodySize: number;
  readonly #method: string;
  #headers: ServedHeaders | undefined = undefined;
  #stream: WebReadableStream<Uint8Array> | undefined = undefined;
  #bound: StreamBound | undefined = undefined;
  #native: Request | undefined = undefined;
  /** Read by one of the methods, and not through the stream. */
  #taken = false;

  /** `url`: as `fetchUrl` makes it; `maxBodySize`: most bytes of a body that is read as a whole. */
  constructor(exchange: ServerExchange, url: string, maxBodySize: number) {
    this.#exchange = exchange;
    this.#url = url;
    this.#maxBodySize = maxBodySize;
    this.#method = normalise(exchange.method);
  }

  get method(): string {
    return this.#method;
  }

  get url(): string {
    return this.#url;
  }

  get headers(): ServedHeaders {
    this.#headers ??= new ServedHeaders(this.#exchange.fields);
    return this.#headers;
  }

  get signal(): AbortSignal {
    return this.#native?.signal ?? this.#exchange.signal;
  }

  /** Null for GET and HEAD, whatever was sent (Fetch §5.4). */
  get body(): WebReadableStream<Uint8Array> | null {
    if (this.#native !== undefined) return this.#native.body;
    if (!this.#hasBody) return null;
    if (this.#stream === undefined) {
      this.#bound = { maxBytes: Number.POSITIVE_INFINITY };
      this.#stream = this.#taken ? spentStream() : servedStream(this.#exchange, this.#bound);
    }
    return this.#stream;
  }

  get bodyUsed(): boolean {
    return this.#native?.bodyUsed ?? (this.#taken || (this.#stream !== undefined && wasRead(this.#stream)));
  }

  /** UTF-8, whatever `Content-Type` says (Fetch §5.3 "package data"). */
  text(): Promise<string> {
    return this.#native === undefined ? this.#read(decodeUtf8) : this.#native.text();
  }

  /** Rejects with `SyntaxError` for what is not JSON. */
  json(): Promise<unknown> {
    return this.#native === undefined ? this.#read(parseUtf8) : this.#native.json();
  }

  bytes(): Promise<Uint8Array> {
    return this.#native === undefined ? this.#read(ownExactly) : this.#native.arrayBuffer().then(asBytes);
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#native === undefined ? this.#read((bytes) => ownExactly(bytes).buffer) : this.#native.arrayBuffer();
  }

  blob(): Promise<Blob> {
    return this.#native === undefined ? this.#repacked((packed) => packed.blob()) : this.#native.blob();
  }

  formData(): Promise<FormData> {
    return this.#native === undefined ? this.#repacked((packed) => packed.formData()) : this.#native.formData();
  }

  /** The native request that stands for one of ours; anything else is given back. */
  static nativeOf<T>(value: T): T | Request {
    return typeof value === "object" && value !== null && #native in value ? value.#asNative() : value;
  }

  get #hasBody(): boolean {
    return this.#exchange.hasBody && this.#method !== "GET" && this.#method !== "HEAD";
  }

  /** Media types and multipart bodies are parsed by the platform, as it does it for its own. */
  async #repacked<T>(unpack: (packed: Response) => Promise<T>): Promise<T> {
    const type = findField(this.#exchange.fields, "content-type");
    const bytes = await this.#read(ownExactly);
    return unpack(new Response(bytes, type === undefined ? {} : { headers: { "content-type": type } }));
  }

  /** At once if it is here already: a small body comes with its head. */
  #read<T>(convert: (bytes: Uint8Array) => T): Promise<T> {
    try {
      const bytes = this.#take();
      return bytes instanceof Promise ? bytes.then(convert) : Promise.resolve(convert(bytes));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #take(): Uint8Array | Promise<Uint8Array> {
    if (!this.#hasBody) return EMPTY;
    if (this.bodyUsed || this.#stream?.locked === true) {
      throw new TypeError("Cannot read the body: it was read already, or is locked to a reader");
    }
    const maxBodySize = this.#maxBodySize;
    const declared = findField(this.#exchange.fields, "content-length");
    // Refused before 100 (Continue) is sent (RFC 9110 §10.1.1).
    if (declared !== undefined && Number(declared) > maxBodySize) throw bodyTooLarge(maxBodySize);
    this.#taken = true;
    // Of a stream that nobody has read nothing has been taken out yet.
    if (this.#stream !== undefined) this.#stream = undefined;
    try {
      return this.#exchange.body.takeWhole(maxBodySize) ?? this.#wait(maxBodySize);
    } catch (error) {
      throw bodyFailure(error, maxBodySize);
    }
  }

  async #wait(maxBytes: number): Promise<Uint8Array> {
    try {
      return await this.#exchange.body.bytes({ maxBytes });
    } catch (error) {
      throw bodyFailure(error, maxBytes);
    }
  }

  #asNative(): Request {
    if (this.#native === undefined) {
      const { body } = this;
      if (this.#bound !== undefined) this.#bound.maxBytes = this.#maxBodySize;
      const init = { method: this.#method, headers: [...this.#headerPairs()], signal: this.#exchange.signal };
      this.#native = nativeRequest(this.url, body === null ? init : { ...init, body, duplex: "half" }, this.bodyUsed);
    }
    return this.#native;
  }

  #headerPairs(): Iterable<[string, string]> {
    return this.headers as unknown as Iterable<[string, string]>;
  }

  static {
    delegateRest(ServedRequest.prototype, {
      real: Request.prototype,
      sample: new Request("http://localhost"),
      toNative: (light: ServedRequest) => light.#asNative(),
    });
  }
}

/** Whether a {@link ServedRequest} serves wherever the platform wants a request, such as in `fetch(request)`. */
export const servesAsNative: boolean = looksInsideBySymbol(new Request("http://localhost"));

/** `spent`: its body has been read, and cannot be given along. */
function nativeRequest(url: string, init: RequestInit, spent: boolean): Request {
  if (!spent) return new Request(url, init);
  const native = new Request(url, { ...init, body: "" });
  void native.body?.cancel();
  return native;
}

function normalise(method: string): string {
  if (NORMALISED.has(method) || !LOWER_CASE.test(method)) return method;
  const upper = method.toUpperCase();
  return NORMALISED.has(upper) ? upper : method;
}

function decodeUtf8(bytes: Uint8Array): string {
  return decodeText(bytes, undefined);
}

function parseUtf8(bytes: Uint8Array): unknown {
  return JSON.parse(decodeText(bytes, undefined));
}

function asBytes(buffer: ArrayBuffer): Uint8Array {
  return new Uint8Array(buffer);
}
