/**
 * What a request looked like from here, in httpbin's shapes: `args`, `headers`, `origin`, `url`, and for those with a body `data`,
 * `files`, `form`, `json`.
 *
 * Header names are written as httpbin's gateway writes them (`X-My-Header`), lines of one name joined by a comma. Several values
 * of one name in a query or form become an array. Forms, multipart ones too, are taken apart. A content coding is undone.
 */

import type { RequestForm, ServerRequest } from "sluice/server";

/** Query or form: one value, or several of the same name. No prototype, because clients choose the names. */
export type Fields = Record<string, string | string[]>;

/** What every echo says. */
export interface HeadReport {
  readonly args: Fields;
  readonly headers: Record<string, string>;
  readonly origin: string;
  readonly url: string;
}

/** What an echo of a request with a body says. */
export interface WholeReport extends HeadReport {
  /** The body as text; a `data:` URL (RFC 2397) if it is not UTF-8; empty if it is a form. */
  readonly data: string;
  /** The files of a multipart form, as text; as `data:` URLs where they are not UTF-8. */
  readonly files: Fields;
  readonly form: Fields;
  /** The body as JSON; null if it is none, or deeper than {@link MAX_JSON_DEPTH}. */
  readonly json: unknown;
}

const FORM_TYPE = "application/x-www-form-urlencoded";
const MULTIPART_TYPE = "multipart/form-data";
const NO_MEMORY_LIMIT = { maxMemory: Number.POSITIVE_INFINITY };
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT_UTF8 = new TextDecoder("utf-8");
/** Deeper JSON is not repeated: writing it down is recursive, and a megabyte of brackets would end in a stack overflow. */
const MAX_JSON_DEPTH = 500;

/** The echo of a request's head. */
export function reportHead(request: ServerRequest<unknown>): HeadReport {
  return {
    args: gather(request.query),
    headers: reportHeaders(request),
    origin: originOf(request),
    url: request.url.href,
  };
}

/** The echo of a whole request. Rejects with `HttpError` as the request's readers do: 413, 415 for an unknown coding, 400. */
export async function reportWhole(request: ServerRequest<unknown>): Promise<WholeReport> {
  const { args, headers, origin, url } = reportHead(request);
  const type = request.mediaType?.essence;
  if (type === MULTIPART_TYPE && request.hasBody) {
    // An echo holds all of it in memory anyway.
    const form = await request.formData(NO_MEMORY_LIMIT);
    return {
      args,
      data: "",
      files: await showFiles(form),
      form: gather(form.fields),
      headers,
      json: null,
      origin,
      url,
    };
  }
  const body = request.hasBody ? await request.bytes() : new Uint8Array(0);
  if (type === FORM_TYPE) {
    const form = gather(new URLSearchParams(LENIENT_UTF8.decode(body)));
    return { args, data: "", files: {}, form, headers, json: null, origin, url };
  }
  const text = decode(body);
  const data = text ?? dataUrl("application/octet-stream", body);
  return { args, data, files: {}, form: {}, headers, json: parseJson(text), origin, url };
}

/** The request's fields by name, as httpbin spells them. */
export function reportHeaders(request: ServerRequest<unknown>): Record<string, string> {
  const { raw } = request.headers;
  const report: Record<string, string> = Object.create(null);
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = gatewaySpelling(raw[at] ?? "");
    const value = raw[at + 1] ?? "";
    const earlier = report[name];
    report[name] = earlier === undefined ? value : `${earlier},${value}`;
  }
  return report;
}

/** The client's address; "unix" on a Unix socket, where there is none. */
export function originOf(request: ServerRequest<unknown>): string {
  return request.remoteAddress ?? "unix";
}

function gather(pairs: Iterable<readonly [string, string]>): Fields {
  const fields: Fields = Object.create(null);
  for (const [name, value] of pairs) {
    const earlier = fields[name];
    if (earlier === undefined) fields[name] = value;
    else if (typeof earlier === "string") fields[name] = [earlier, value];
    else earlier.push(value);
  }
  return fields;
}

async function showFiles({ files }: RequestForm): Promise<Fields> {
  const shown: [string, string][] = [];
  for (const file of files) {
    const bytes = await file.bytes();
    shown.push([file.name, decode(bytes) ?? dataUrl(file.type, bytes)]);
  }
  return gather(shown);
}

/** RFC 2397. */
function dataUrl(type: string, bytes: Uint8Array): string {
  return `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;
}

function gatewaySpelling(name: string): string {
  return name.replace(/[^-]+/g, (part) => part.charAt(0).toUpperCase() + part.slice(1).toLowerCase());
}

/** The text, or undefined if the bytes are no UTF-8. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** As httpbin does, whatever the `Content-Type`. */
function parseJson(text: string | undefined): unknown {
  if (text === undefined || text === "" || nestingOf(text) > MAX_JSON_DEPTH) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** How deep the brackets of a JSON text go; for text that is no JSON, some number. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > deepest) deepest = depth;
  }
  return deepest;
}
