/**
 * What `new Response(…)` makes under `lightweightGlobals`: status, field lines and body as they were given, and a native response only
 * when somebody asks for what takes one (`native-delegation.ts`). The server sends it without ever making a stream of it.
 *
 * What is not plain (a status out of range, a `FormData`, a stream that was read …) is a native response from the start, so that
 * every error is the platform's own. The head of a light one stays with it, so that `headers` is one object for good; whoever looks
 * inside the native one finds it brought up to date.
 */

import type { ReadableStream as WebReadableStream } from "node:stream/web";
import { wasRead } from "../../body/reading/node-stream.js";
import type { FieldLines } from "../../http1/sinks.js";
import { fieldsFrom, fieldsOf, fieldsOfType } from "./light-fields.js";
import { delegateRest } from "./native-delegation.js";

/** What a light response keeps of a body. */
export type LightBody = string | Uint8Array | WebReadableStream | null;

/** What there is to send. */
export interface LightAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly fields: FieldLines;
  readonly body: LightBody;
}

/** The members of `ResponseInit`, unchecked. */
interface UncheckedInit {
  readonly status?: unknown;
  readonly statusText?: unknown;
  readonly headers?: unknown;
}

const NativeResponse: typeof globalThis.Response = globalThis.Response;
const TEXT_TYPE = "text/plain;charset=UTF-8";
const JSON_TYPE = "application/json";
/** RFC 9112 §4 reason-phrase, of ASCII. */
const PLAIN_PHRASE = /^[\t -~]*$/;
/** Fetch §2.2.3 "null body status". */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/** Streams that stand for a body in memory: a response made of such a stream, as frameworks do to change a head, needs not read it. */
const memoryOf = new WeakMap<object, string | Uint8Array>();

/** See the head of this file. */
export class LightResponse {
  #status = 200;
  #statusText = "";
  #fields: FieldLines = fieldsOfType(undefined);
  #body: LightBody = null;
  #headers: Headers | undefined = undefined;
  #native: Response | undefined = undefined;

  /** As `Response` does it; see {@link globalThis.Response}. */
  constructor(body?: unknown, init?: unknown) {
    if (!this.#begin(body, init)) {
      this.#native = new NativeResponse(body as string, init as ResponseInit);
      this.#headers = this.#native.headers;
      this.#status = this.#native.status;
      this.#statusText = this.#native.statusText;
    }
  }

  /** `data` as JSON (Fetch §5.5). */
  static json(data: unknown, init?: unknown): LightResponse {
    const text = JSON.stringify(data) as string | undefined;
    // The platform says what is wrong.
    if (text === undefined) NativeResponse.json(data as never);
    const made = new LightResponse(text, init);
    const { headers } = (init ?? {}) as UncheckedInit;
    if (headers === undefined) made.#fields = fieldsOfType(JSON_TYPE);
    else if (!new Headers(headers as Headers).has("content-type")) made.headers.set("content-type", JSON_TYPE);
    return made;
  }

  static redirect(url: string | URL, status: 301 | 302 | 303 | 307 | 308 = 302): Response {
    return NativeResponse.redirect(url, status);
  }

  static error(): Response {
    return NativeResponse.error();
  }

  /** Whether `value` is a response, native or light; of a class that extends this one: its own, as usual. */
  static [Symbol.hasInstance](value: unknown): boolean {
    if (this === LightResponse) return value instanceof NativeResponse;
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }

  get status(): number {
    return this.#status;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      this.#headers = new Headers();
      for (let at = 0; at < this.#fields.length; at += 2) {
        this.#headers.append(this.#fields[at] ?? "", this.#fields[at + 1] ?? "");
      }
    }
    return this.#headers;
  }

  get body(): WebReadableStream | null {
    if (this.#native === undefined && (this.#body === null || isStream(this.#body))) return this.#body;
    return this.#asNative().body;
  }

  get bodyUsed(): boolean {
    if (this.#native !== undefined) return this.#native.bodyUsed;
    return isStream(this.#body) && wasRead(this.#body);
  }

  /** Throws `TypeError` where the body was read or is being read. */
  clone(): LightResponse {
    const copy = new LightResponse();
    copy.#status = this.#status;
    copy.#statusText = this.#statusText;
    copy.#fields = this.#currentFields();
    if (this.#native === undefined && !isStream(this.#body)) copy.#body = this.#body;
    else copy.#native = this.#asNative().clone();
    return copy;
  }

  /**
   * What to send of a light response whose body is still as it was given, or can be: undefined for a native one, and for one that was
   * made native and read. A body in memory can be sent again and again.
   */
  static answerOf(value: object): LightAnswer | undefined {
    return #status in value ? value.#answer() : undefined;
  }

  /** The native response behind a light one, made now if need be; anything else is given back. */
  static nativeOf(value: Response): Response {
    return #status in value ? (value as unknown as LightResponse).#asNative() : value;
  }

  #answer(): LightAnswer | undefined {
    // A native one whose body was in memory has a stream that stands for it.
    if (this.#native !== undefined && (this.#body === null || isStream(this.#body))) return undefined;
    const body = untouched(this.#native === undefined ? this.#body : this.#native.body);
    if (body === undefined) return undefined;
    return { status: this.#status, statusText: this.#statusText, fields: this.#currentFields(), body };
  }

  #currentFields(): FieldLines {
    return this.#headers === undefined ? this.#fields : fieldsOf(this.#headers);
  }

  /** Takes what is plain; false, and nothing is changed, if it is not. */
  #begin(body: unknown, init: unknown): boolean {
    const kept = keep(body);
    if (kept === undefined) return false;
    const type = typeof kept === "string" ? TEXT_TYPE : undefined;
    if (init === undefined) {
      this.#fields = fieldsOfType(type);
    } else {
      if (typeof init !== "object" || init === null) return false;
      const { status = 200, statusText = "", headers } = init as UncheckedInit;
      if (typeof status !== "number" || !isPlainStatus(status, kept)) return false;
      if (typeof statusText !== "string" || !PLAIN_PHRASE.test(statusText)) return false;
      if (headers === undefined) this.#fields = fieldsOfType(type);
      else if (typeof headers === "object" && headers !== null) this.#fields = fieldsFrom(headers, type);
      else return false;
      this.#status = status;
      this.#statusText = statusText;
    }
    this.#body = kept;
    return true;
  }

  #asNative(): Response {
    if (this.#native === undefined) {
      const init = { status: this.#status, statusText: this.#statusText, headers: this.headers };
      this.#native = new NativeResponse(this.#body as string, init);
      const { body } = this.#native;
      if (body !== null && this.#body !== null && !isStream(this.#body)) memoryOf.set(body, this.#body);
    } else if (this.#headers !== undefined && this.#headers !== this.#native.headers) {
      copyInto(this.#native.headers, this.#headers);
    }
    return this.#native;
  }

  static {
    delegateRest(LightResponse.prototype, {
      real: NativeResponse.prototype,
      sample: new NativeResponse(null),
      toNative: (light: LightResponse) => light.#asNative(),
    });
    Object.setPrototypeOf(LightResponse, NativeResponse);
    Object.defineProperty(LightResponse, "name", { value: "Response" });
  }
}

/** Bytes are copied, as the standard has it; undefined for what is no plain body. */
function keep(body: unknown): LightBody | undefined {
  if (typeof body === "string") return body;
  if (body === undefined || body === null) return null;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  if (!(body instanceof ReadableStream) || body.locked || wasRead(body)) return undefined;
  return body;
}

/** A body as it can be sent; undefined if somebody else has begun to read it. Whoever stands for memory is used up by it. */
function untouched(body: LightBody): LightBody | undefined {
  if (!isStream(body)) return body;
  if (body.locked || wasRead(body)) return undefined;
  const memory = memoryOf.get(body);
  if (memory === undefined) return body;
  void body.cancel();
  return memory;
}

function isStream(body: LightBody): body is WebReadableStream {
  return typeof body === "object" && body !== null && !(body instanceof Uint8Array);
}

function isPlainStatus(status: number, body: LightBody): boolean {
  if (!Number.isInteger(status) || status < 200 || status > 599) return false;
  return body === null || !NULL_BODY.has(status);
}

function copyInto(target: Headers, source: Headers): void {
  for (const name of [...target.keys()]) target.delete(name);
  for (const [name, value] of source) target.append(name, value);
}
