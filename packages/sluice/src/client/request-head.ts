/**
 * The head of a request as it goes on the wire: the caller's and the session's fields, and the automatic ones that they left
 * out (RFC 9110 §7.2, §8.6, §10.1.5, §12.5; RFC 9112 §3.2, §6). Everything given by a caller is checked here, last, so that no
 * path around the checks exists.
 *
 * Most requests of a session differ in their target only: for those the field lines are checked and joined once per host and
 * kept as a string.
 */
import { acceptEncoding } from "../body/content-coding.js";
import type { Payload } from "../body/payload.js";
import { UsageError } from "../errors.js";
import { expectsContent } from "../http/methods.js";
import type { FieldLines } from "../http1/sinks.js";
import { writeRequestHead } from "../http1/write-head.js";
import type { LinkRequest, UpgradeOffer } from "../wire/link-exchange.js";
import { fieldsWithout, hasField } from "./field-lines.js";
import type { ClientRequest, RequestSettings } from "./request.js";

/** Sent as `User-Agent` unless the caller says otherwise (RFC 9110 §10.1.5). */
export const USER_AGENT = "sluice/0.1.0";

/** Hosts whose field block is kept. */
const CACHED_HOSTS = 512;
/** Values of the jar whose field block is kept. */
const CACHED_COOKIES = 32;
/** Field names a caller may not set: they belong to the framing and to connection management. */
const REFUSED: ReadonlySet<string> = new Set(["transfer-encoding", "upgrade", "keep-alive", "expect", "trailer", "te"]);

const NO_NAMES: readonly string[] = Object.freeze([]);

/** Writes the heads of one session's requests. */
export class RequestHeadWriter {
  readonly #defaults: KnownFields;
  /** The session's fields with what the jar has, by that. */
  readonly #withCookies = new Map<string, KnownFields>();
  #lastWithCookies: KnownFields | undefined;
  readonly #ownType: boolean;
  /** The `Content-Type` written last and its line: a session mostly sends bodies of one kind. */
  #contentType: string | undefined;
  #contentTypeLine = "";

  readonly #omitted: ReadonlySet<string> | undefined;

  /**
   * `defaults`: the session's fields; a request that carries this very array has nothing of its own. `omitted`: the automatic
   * fields that the session leaves out.
   */
  constructor(defaults: FieldLines, omitted: ReadonlySet<string> | undefined) {
    this.#defaults = new KnownFields(defaults);
    this.#omitted = omitted;
    this.#ownType = hasField(defaults, "content-type");
  }

  /** `fields` and these cookies, if the jar's are all that is to be added; the same array for the same cookies. */
  fieldsWith(fields: FieldLines, cookies: string): FieldLines {
    if (fields !== this.#defaults.fields) return [...fields, "cookie", cookies];
    let known = this.#withCookies.get(cookies);
    if (known === undefined) {
      known = new KnownFields([...fields, "cookie", cookies]);
      if (this.#withCookies.size >= CACHED_COOKIES) this.#withCookies.clear();
      this.#withCookies.set(cookies, known);
    }
    this.#lastWithCookies = known;
    return known.fields;
  }

  /** Throws `UsageError` for a field that cannot be sent. */
  write(request: ClientRequest): LinkRequest {
    const { method, payload, fields } = request;
    const length = payload?.length;
    const chunked = payload !== undefined && length === undefined;
    // RFC 9110 §10.1.1: not without content.
    const expectsContinue = payload !== undefined && length !== 0 && request.settings.expectContinue > 0;
    const usual =
      request.settings.omitted === this.#omitted &&
      !expectsContinue &&
      payload?.trailers === undefined &&
      request.settings.upgrade === undefined &&
      request.route?.forwards !== true;
    const known = usual ? this.#known(fields) : undefined;
    if (known !== undefined) {
      const head = this.#usualHead(request, known);
      return { method, head, payload, chunked, expectsContinue, upgrade: undefined };
    }
    const given = withoutLength(fields, payload);
    const makeUpgrade = request.settings.upgrade;
    // An upgrade says itself what becomes of the connection.
    const own = makeUpgrade === undefined ? given : fieldsWithout(given, (name) => name === "connection");
    const upgrade = makeUpgrade?.(own);
    const head = this.#ownHead(request, own, expectsContinue, upgrade);
    return { method, head, payload, chunked, expectsContinue, upgrade };
  }

  #known(fields: FieldLines): KnownFields | undefined {
    if (fields === this.#defaults.fields) return this.#defaults;
    return fields === this.#lastWithCookies?.fields ? this.#lastWithCookies : undefined;
  }

  #usualHead({ method, target, payload, settings }: ClientRequest, known: KnownFields): string {
    const block = known.block(target.host, settings);
    return `${method} ${target.target} HTTP/1.1\r\n${block}${this.#bodyBlock(method, payload)}\r\n`;
  }

  /** {@link bodyFields} as lines. */
  #bodyBlock(method: string, payload: Payload | undefined): string {
    if (payload === undefined) return expectsContent(method) ? "content-length: 0\r\n" : "";
    const { contentType, length } = payload;
    if (contentType !== this.#contentType) {
      this.#contentTypeLine = contentType === undefined ? "" : writeFieldLines(["content-type", contentType]);
      this.#contentType = contentType;
    }
    const type = this.#ownType ? "" : this.#contentTypeLine;
    return `${type}${length === undefined ? "transfer-encoding: chunked" : `content-length: ${length}`}\r\n`;
  }

  #ownHead(
    request: ClientRequest,
    own: FieldLines,
    expectsContinue: boolean,
    upgrade: UpgradeOffer | undefined,
  ): string {
    const { method, target, payload, settings, route } = request;
    const body = bodyFields(method, payload, own, expectsContinue);
    const all = [...completed(own, target.host, settings), ...body];
    if (upgrade !== undefined) all.push(...upgrade.fields);
    if (route?.forwards !== true) return writeRequestHead(method, target.target, all);
    // RFC 9112 §3.2.2: a proxy is told the whole URL; what else it is told is for it alone.
    return writeRequestHead(method, target.href, [...all, ...(route.proxy?.fields ?? [])]);
  }
}

/** Fields that many requests have, and what they look like on the wire: for each host, with and without codings asked for. */
class KnownFields {
  readonly fields: FieldLines;
  readonly #plain = new Map<string, string>();
  readonly #coded = new Map<string, string>();

  constructor(fields: FieldLines) {
    this.fields = fields;
  }

  /** Checked and complete, each line with its end. `settings.omitted` is the session's. */
  block(host: string, settings: RequestSettings): string {
    const blocks = settings.decompress ? this.#coded : this.#plain;
    let block = blocks.get(host);
    if (block === undefined) {
      block = writeFieldLines(completed(this.fields, host, settings));
      if (blocks.size >= CACHED_HOSTS) blocks.clear();
      blocks.set(host, block);
    }
    return block;
  }
}

/** `fields` with Host first and whatever else was left out. */
function completed(fields: FieldLines, host: string, { decompress, omitted }: RequestSettings): string[] {
  const all = hasField(fields, "host") ? [...fields] : ["host", host, ...fields];
  const lacks = (name: string) => omitted?.has(name) !== true && !hasField(fields, name);
  if (lacks("accept")) all.push("accept", "*/*");
  if (decompress && lacks("accept-encoding")) all.push("accept-encoding", acceptEncoding());
  if (lacks("user-agent")) all.push("user-agent", USER_AGENT);
  // RFC 9110 §10.1.4: it is meant for the next hop only.
  if (hasField(fields, "te")) all.push("connection", "te");
  return all;
}

function bodyFields(method: string, payload: Payload | undefined, own: FieldLines, expectsContinue: boolean): string[] {
  if (payload === undefined) return expectsContent(method) ? ["content-length", "0"] : [];
  const fields: string[] = [];
  if (payload.contentType !== undefined && !hasField(own, "content-type"))
    fields.push("content-type", payload.contentType);
  if (payload.length === undefined) fields.push("transfer-encoding", "chunked");
  else fields.push("content-length", String(payload.length));
  if (expectsContinue) fields.push("expect", "100-continue");
  const announced = payload.trailers?.names ?? NO_NAMES;
  if (announced.length > 0) fields.push("trailer", announced.join(", "));
  return fields;
}

/**
 * Throws `UsageError` `request/refused-field` for a field that no session may set for all its requests: those that belong to the
 * connection, and `Content-Length`, which belongs to one body.
 */
export function refuseManaged(fields: FieldLines): void {
  const withoutBody = withoutLength(fields, undefined);
  if (withoutBody.length === fields.length) return;
  throw new UsageError(
    "request/refused-field",
    "Cannot set the header content-length for a session: each body has its own",
  );
}

/** Takes out a `Content-Length` that agrees with the body; refuses one that does not, and what is not the caller's to set. */
function withoutLength(fields: FieldLines, payload: Payload | undefined): FieldLines {
  let found = false;
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? "").toLowerCase();
    if (REFUSED.has(name) && !(name === "te" && fields[at + 1]?.toLowerCase() === "trailers")) {
      throw new UsageError("request/refused-field", `Cannot set the header ${name}: the connection decides about it`);
    }
    if (name === "connection" && (fields[at + 1] ?? "").toLowerCase() !== "close") {
      throw new UsageError("request/refused-field", 'Cannot set the header connection to anything but "close"');
    }
    if (name !== "content-length") continue;
    found = true;
    const announced = fields[at + 1];
    if (announced === String(payload?.length ?? 0)) continue;
    const actual = payload === undefined ? "0" : String(payload.length ?? "an unknown number of");
    const message = `Cannot send content-length ${announced}: the body has ${actual} bytes`;
    throw new UsageError("request/length-mismatch", message);
  }
  return found ? fieldsWithout(fields, (name) => name === "content-length") : fields;
}

/** Checked field lines as one string, each with its line end. */
function writeFieldLines(fields: FieldLines): string {
  const start = "GET / HTTP/1.1\r\n";
  return writeRequestHead("GET", "/", fields).slice(start.length, -2);
}
