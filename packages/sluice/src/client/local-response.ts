/**
 * Responses that no connection brought: what a cache has stored, and what middleware answers by itself. To whoever asked they are
 * responses like any other: content shortcuts, errors, time limits and disposal hold for them.
 */
import { Body } from "../body/body.js";
import { tooLarge } from "../body/collect.js";
import { jsonPayload } from "../body/payload.js";
import { describeError, type SluiceError, UsageError } from "../errors.js";
import { HttpHeaders } from "../http/headers.js";
import { isBodilessStatus, reasonPhrase } from "../http/status.js";
import type { FieldLines } from "../http1/sinks.js";
import { refuseUnknown, requireNumber } from "../options.js";
import type { ExchangeTimes } from "./exchange-pool.js";
import { findField } from "./field-lines.js";
import { fieldLinesOf } from "./option-values.js";
import { BUFFERED_MAX_SIZE, type HeadersInput } from "./options.js";
import type { ClientRequest } from "./request.js";
import { ClientResponse, type ResponseSource } from "./response.js";
import type { ResponseHead } from "./response-head.js";

/** What {@link makeResponse} makes. At most one of `json` and `body`. */
export interface MadeResponse {
  /** 200 to 599. @default 200 */
  readonly status?: number;
  /** @default the phrase that belongs to the status */
  readonly statusText?: string;
  readonly headers?: HeadersInput;
  /** Content as JSON, of type `application/json` unless `headers` say otherwise. */
  readonly json?: unknown;
  /** Text, as `text/plain` in UTF-8 unless `headers` say otherwise, or bytes. */
  readonly body?: string | Uint8Array;
}

const KNOWN: ReadonlySet<string> = new Set<keyof MadeResponse>(["status", "statusText", "headers", "json", "body"]);

/**
 * An answer to `request` that middleware gives in place of sending it. In `hopMiddleware` a redirect is followed, and `retry` sees its
 * status. Answers to HEAD, 204 and 304 have no content. Throws `UsageError` for what cannot be a response.
 */
export function makeResponse(request: ClientRequest, answer: MadeResponse = {}): ClientResponse {
  refuseUnknown("response", answer, KNOWN);
  const { status = 200, statusText = reasonPhrase(status), headers = {} } = answer;
  requireNumber("status", status, 200, 599);
  if (!Number.isInteger(status)) {
    throw new UsageError("options/out-of-range", `Cannot use status: expected a whole number, received ${status}`);
  }
  const { bytes, type } = contentOf(answer);
  const fields = new HttpHeaders(pairsOf(fieldLinesOf(headers)));
  if (bytes !== undefined && type !== undefined && !fields.has("content-type")) fields.append("content-type", type);
  if (bytes !== undefined && !fields.has("content-length")) fields.append("content-length", String(bytes.byteLength));
  const head = { status, reason: statusText, version: 11, fields: fields.raw };
  const bodiless = request.method === "HEAD" || isBodilessStatus(status);
  return localResponse(request, head, bodiless ? undefined : bytes);
}

/** A response of this head and content, which is copied: whoever reads a body may write into what was read. */
export function localResponse(
  request: ClientRequest,
  head: ResponseHead,
  content: Uint8Array | undefined,
): ClientResponse {
  const body = bodyFor(request, content);
  const source = new LocalSource(request, body, head.fields);
  const response = new ClientResponse(request, head, body, source);
  body.ownedBy(source);
  source.response = response;
  return response;
}

function contentOf({ json, body }: MadeResponse): { bytes?: Uint8Array; type?: string } {
  if (json !== undefined && body !== undefined) {
    throw new UsageError("options/conflict", "Cannot use json together with body: give one of them");
  }
  if (json !== undefined) return { bytes: Buffer.from(String(jsonPayload(json).whole)), type: "application/json" };
  if (body === undefined) return {};
  if (typeof body === "string") return { bytes: Buffer.from(body), type: "text/plain;charset=UTF-8" };
  if (body instanceof Uint8Array) return { bytes: body };
  throw new UsageError("options/unknown-value", `Cannot use body: expected text or bytes, received ${typeof body}`);
}

function* pairsOf(lines: FieldLines): Generator<[string, string]> {
  for (let at = 0; at < lines.length; at += 2) yield [lines[at] ?? "", lines[at + 1] ?? ""];
}

function bodyFor(request: ClientRequest, bytes: Uint8Array | undefined): Body {
  if (bytes === undefined || bytes.byteLength === 0) return Body.empty();
  const { maxResponseSize } = request.settings;
  if (bytes.byteLength > maxResponseSize) {
    const refused = new Body({ pause() {}, resume() {}, cancel() {} });
    refused.fail(tooLarge(bytes.byteLength, maxResponseSize));
    return refused;
  }
  const body = Body.of(new Uint8Array(bytes));
  body.maxBytes = maxResponseSize === Number.POSITIVE_INFINITY ? BUFFERED_MAX_SIZE : maxResponseSize;
  return body;
}

/** Stands where else an exchange stands: nothing is under way, and everything took no time. */
class LocalSource implements ResponseSource {
  readonly peer = undefined;
  readonly times: ExchangeTimes;
  readonly parseJson: ((text: string) => unknown) | undefined;
  response: ClientResponse | undefined = undefined;
  readonly #request: ClientRequest;
  readonly #body: Body;
  readonly #fields: FieldLines;

  constructor(request: ClientRequest, body: Body, fields: FieldLines) {
    this.#request = request;
    this.#body = body;
    this.#fields = fields;
    this.parseJson = request.settings.parseJson;
    const now = request.clock.now();
    this.times = { started: now, granted: now, sent: now, headed: now, ended: now, dns: 0, connect: 0, tls: 0 };
  }

  onSettled(): void {}

  onWaiting(): void {}

  contentType(): string | undefined {
    return findField(this.#fields, "content-type");
  }

  charset(): string | undefined {
    return this.response?.charset;
  }

  describe(error: SluiceError): void {
    describeError(error, this.#request.scope.context());
  }

  discard(): void {
    if (!this.#body.used) void this.#body.discard();
  }

  endScopeAfterBody(): void {
    this.#request.scope.end();
  }
}
