/**
 * What a request method returns: a promise of the response, with shortcuts to its content. The request starts in a microtask of
 * the turn that made it, so that a shortcut called in that turn decides how it is sent: the attempt then includes the body, and
 * an error status throws.
 *
 * One native promise carries the whole request: `then` and the shortcuts share it. Errors get their final form inside the async
 * function behind it, because from there V8 finds the frames of whoever awaits.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Body, TextOptions } from "../body/body.js";
import type { MultipartLimits } from "../body/multipart/multipart-limits.js";
import type { MultipartPart } from "../body/multipart/multipart-part.js";
import { ownExactly } from "../body/own-bytes.js";
import type { JsonLinesOptions } from "../body/reading/json-lines.js";
import type { LinesOptions } from "../body/reading/lines.js";
import { schemaFirst } from "../body/schema.js";
import { decodeText, parseJson } from "../body/text.js";
import { UsageError } from "../errors.js";
import { isJsonContentType } from "../http/media-type.js";
import type { ClientResponse, Events, JsonOptions } from "./response.js";
import type { EventsOptions, TextEventsOptions, TypedEventsOptions } from "./response-events.js";
import type { SaveOptions } from "./save-body.js";
import { remember } from "./warnings.js";

/** How a request is consumed. */
export type Consumption =
  | { readonly kind: "response" }
  | { readonly kind: "text"; readonly options?: TextOptions }
  | { readonly kind: "bytes" | "blob" }
  | { readonly kind: "json"; readonly options: JsonOptions; readonly schema?: StandardSchemaV1 | undefined }
  | { readonly kind: "formData"; readonly limits: Partial<MultipartLimits> | undefined }
  | { readonly kind: "save"; readonly path: string | URL; readonly options: SaveOptions };

/** Awaited as it is. */
export const AS_RESPONSE: Consumption = { kind: "response" };
const AS_TEXT: Consumption = { kind: "text" };
const AS_BYTES: Consumption = { kind: "bytes" };
const AS_BLOB: Consumption = { kind: "blob" };
const AS_JSON: Consumption = { kind: "json", options: {} };

/** What the platform's promises call a reason, so that a listener may name the class of error it expects, as with them. */
type Reason = Parameters<NonNullable<Parameters<Promise<unknown>["then"]>[1]>>[0];

/** Runs the request. Called once, at once; reads `consumption` after its first await. */
export type RequestRunner = (promise: RequestPromise) => Promise<unknown>;

/** A promise of a response that can be consumed as its content instead: in one way, once. */
export class RequestPromise implements Promise<ClientResponse> {
  readonly [Symbol.toStringTag] = "RequestPromise";
  /** How it is to be consumed, as far as has been said. Read when the request starts. @internal */
  consumption: Consumption = AS_RESPONSE;
  /** Whether anybody has asked for its outcome. */
  consumed = false;
  /** Where it was made; development only, see `warnings.ts`. */
  readonly callSite: { readonly stack?: string } | undefined;
  #started = false;
  readonly #result: Promise<unknown>;

  constructor(run: RequestRunner, callSite: { readonly stack?: string } | undefined) {
    this.callSite = callSite;
    this.#result = run(this);
  }

  /** Told by the runner that `consumption` has been read. */
  started(): void {
    this.#started = true;
  }

  // biome-ignore lint/suspicious/noThenProperty: being a promise is what this class is for
  then<Fulfilled = ClientResponse, Rejected = never>(
    onFulfilled?: ((response: ClientResponse) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: Reason) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    this.#consume();
    if (this.consumption.kind !== "response") return Promise.reject(this.#twice()).then(onFulfilled, onRejected);
    return (this.#result as Promise<ClientResponse>).then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: Reason) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<ClientResponse | Rejected> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<ClientResponse> {
    return this.then().finally(onFinally);
  }

  /** The body as text. Like every shortcut: an error status throws `ResponseError`. */
  text(options?: TextOptions): Promise<string> {
    return this.#content(options === undefined ? AS_TEXT : { kind: "text", options });
  }

  /**
   * The body parsed as JSON; with a schema, what that makes of it. Throws `ContentTypeError` for another media type, `PayloadError`
   * if it does not parse, `ValidationError` if the schema refuses it.
   */
  json<T = unknown>(options?: JsonOptions): Promise<T>;
  json<S extends StandardSchemaV1>(schema: S, options?: JsonOptions): Promise<StandardSchemaV1.InferOutput<S>>;
  json(first?: StandardSchemaV1 | JsonOptions, second?: JsonOptions): Promise<unknown> {
    if (first === undefined && second === undefined) return this.#content(AS_JSON);
    try {
      const { schema, options = {} } = schemaFirst(first, second);
      return this.#content({ kind: "json", options, schema });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  bytes(): Promise<Uint8Array> {
    return this.#content(AS_BYTES);
  }

  blob(): Promise<Blob> {
    return this.#content(AS_BLOB);
  }

  /** Writes the body to a file, which appears under `path` only when it is complete. Resolves to its size in bytes. */
  save(path: string | URL, options: SaveOptions = {}): Promise<number> {
    return this.#content({ kind: "save", path, options });
  }

  /** The lines of the body, as they arrive; see {@link LinesOptions}. */
  async *lines(options?: LinesOptions): AsyncGenerator<string, void, undefined> {
    const response = await this.#streamed();
    yield* response.body.lines(options);
  }

  /** The values of a body with one JSON text a line, as they arrive; see {@link Body.jsonLines}. */
  jsonLines<T = unknown>(options?: JsonLinesOptions): AsyncGenerator<T, void, undefined>;
  jsonLines<S extends StandardSchemaV1>(
    schema: S,
    options?: JsonLinesOptions,
  ): AsyncGenerator<StandardSchemaV1.InferOutput<S>, void, undefined>;
  async *jsonLines(
    first?: StandardSchemaV1 | JsonLinesOptions,
    second?: JsonLinesOptions,
  ): AsyncGenerator<unknown, void, undefined> {
    const response = await this.#streamed();
    const { schema, options } = schemaFirst(first, second);
    yield* schema === undefined ? response.body.jsonLines(options) : response.body.jsonLines(schema, options);
  }

  /** The parts of a multipart body, as they arrive; see {@link ClientResponse.multipart}. */
  async *multipart(limits?: Partial<MultipartLimits>): AsyncGenerator<MultipartPart, void, undefined> {
    const response = await this.#streamed();
    yield* response.multipart(limits);
  }

  /** The body as a form; see {@link ClientResponse.formData}. */
  formData(limits?: Partial<MultipartLimits>): Promise<FormData> {
    return this.#content({ kind: "formData", limits });
  }

  /** The server-sent events of the body, as they arrive; see {@link ClientResponse.events}. */
  events<S extends StandardSchemaV1>(options: TypedEventsOptions<S>): Events<StandardSchemaV1.InferOutput<S>>;
  events(options?: TextEventsOptions): Events<string>;
  async *events(options?: EventsOptions): Events<never> {
    const response = await this.#streamed();
    const { eventsOf } = await import("./response-events.js");
    yield* eventsOf(response, options ?? {}) as Events<never>;
  }

  /** Sets how the request is consumed; in the turn that made it, this is how it is sent. */
  #content<T>(consumption: Consumption): Promise<T> {
    if (this.consumption.kind !== "response" || this.consumed) return Promise.reject(this.#twice());
    if (this.#started) return this.#late(consumption) as Promise<T>;
    this.#consume();
    this.consumption = consumption;
    return this.#result as Promise<T>;
  }

  #consume(): void {
    if (!this.consumed && this.callSite !== undefined) remember(this);
    this.consumed = true;
  }

  /** A shortcut called after the request had started as one for its response. */
  async #late(consumption: Consumption): Promise<unknown> {
    return readContent(await this, consumption);
  }

  async #streamed(): Promise<ClientResponse> {
    const response = await this;
    if (response.status >= 400) throw await response.toError();
    return response;
  }

  #twice(): UsageError {
    return new UsageError(
      "request/already-consumed",
      "Cannot consume a request in two ways: await it for its response, or call one of text(), json(), bytes() … once",
    );
  }
}

/** The content of a response that is all there already, without a promise; undefined where {@link readContent} has to be asked. */
export function contentNow(response: ClientResponse, consumption: Consumption): unknown {
  if (response.status >= 400) return undefined;
  const { kind } = consumption;
  if (kind === "text" && consumption !== AS_TEXT) return undefined;
  if (kind === "json" ? !isPlainJson(response, consumption) : kind !== "text" && kind !== "bytes") return undefined;
  const whole = response.body.takeWhole();
  if (whole === undefined) return undefined;
  if (kind === "json") return parseJson(decodeText(whole, undefined));
  return kind === "text" ? decodeText(whole, response.charset) : ownExactly(whole);
}

/** Asked for without options, and of a type that needs no second look. */
function isPlainJson({ contentType, request }: ClientResponse, consumption: Consumption): boolean {
  if (request.settings.parseJson !== undefined) return false;
  return consumption === AS_JSON && (contentType === undefined || isJsonContentType(contentType));
}

/** The content of a response in the form asked for; throws `ResponseError` for an error status. */
export async function readContent(response: ClientResponse, consumption: Consumption): Promise<unknown> {
  if (response.status >= 400) throw await response.toError();
  switch (consumption.kind) {
    case "text":
      return response.text(consumption.options);
    case "bytes":
      return response.bytes();
    case "blob":
      return response.blob();
    case "json":
      return consumption.schema === undefined
        ? response.json(consumption.options)
        : response.json(consumption.schema, consumption.options);
    case "formData":
      return response.formData(consumption.limits);
    case "save":
      return response.save(consumption.path, consumption.options);
    case "response":
      return response;
  }
}
