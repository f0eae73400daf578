/** The requests of the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload), one function each, and what their answers say. */

import type { SizedPieces } from "../../body/sending/sized-pieces.js";
import type { RequestOptions } from "../../client/options.js";
import type { ClientResponse } from "../../client/response.js";
import type { ClientSession } from "../../client/session.js";
import { ProtocolError } from "../../errors.js";
import { parseHttpDate } from "../../http/dates.js";
import { HttpHeaders } from "../../http/headers.js";
import { startDigest } from "../../platform/running-digest.js";
import type { ResolvedUploadOptions } from "./upload-options.js";
import type { SourcePart } from "./upload-source.js";

/** What the server says of an upload. */
export interface ServerState {
  /** Undefined where the answer does not say. */
  readonly offset: number | undefined;
  readonly length: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number | undefined;
}

/** An upload that was made. */
export interface CreatedUpload extends ServerState {
  readonly url: string;
  readonly status: number;
}

/** What goes into a PATCH, or with a POST. */
export interface PartToSend {
  readonly part: SourcePart;
  /** Its pieces, counted and held back as they have to be. */
  readonly body: SizedPieces;
}

const VERSION = "1.0.0";
const CONTENT_TYPE = "application/offset+octet-stream";
const DIGITS = /^[0-9]{1,16}$/;
/** Answers have no body worth mentioning. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** See the head of this file. Rejects with `ResponseError` for every other status than the protocol has. */
export class TusRequests {
  readonly #session: ClientSession;
  readonly #options: ResolvedUploadOptions;
  readonly #endpoint: URL;

  constructor(session: ClientSession, endpoint: URL, options: ResolvedUploadOptions) {
    this.#session = session;
    this.#endpoint = endpoint;
    this.#options = options;
  }

  /** Creates an upload of `length` bytes, or of as many as will be said later. */
  async create(
    length: number | undefined,
    name: string | undefined,
    first: PartToSend | undefined,
  ): Promise<CreatedUpload> {
    const fields: Record<string, string> =
      length === undefined ? { "Upload-Defer-Length": "1" } : { "Upload-Length": String(length) };
    const metadata = this.#metadata(name);
    if (metadata !== "") fields["Upload-Metadata"] = metadata;
    const response = await this.#send("POST", this.#endpoint.href, fields, first);
    const location = response.headers.get("location");
    if (response.status !== 201) throw await response.toError();
    await response.body.discard(MAX_ANSWER_BYTES);
    if (location === null) throw badAnswer("POST", "it has no Location");
    const url = new URL(location, response.url).href;
    return { url, status: response.status, ...stateOf(response) };
  }

  /** Asks how much the server has. */
  async look(url: string): Promise<ServerState & { readonly offset: number; readonly status: number }> {
    const response = await this.#send("HEAD", url, {}, undefined);
    if (response.status !== 200 && response.status !== 204) throw await response.toError();
    await response.body.discard(MAX_ANSWER_BYTES);
    const { offset, ...state } = stateOf(response);
    if (offset === undefined) throw badAnswer("HEAD", "it has no Upload-Offset");
    return { ...state, offset, status: response.status };
  }

  /** Sends a part. `length`: of the whole upload, where the server does not know it yet. */
  async append(
    url: string,
    offset: number,
    part: PartToSend,
    length: number | undefined,
  ): Promise<ServerState & { readonly status: number }> {
    const fields: Record<string, string> = { "Upload-Offset": String(offset) };
    if (length !== undefined) fields["Upload-Length"] = String(length);
    const response = await this.#send("PATCH", url, fields, part);
    if (response.status !== 204 && response.status !== 200) throw await response.toError();
    await response.body.discard(MAX_ANSWER_BYTES);
    return { ...stateOf(response), status: response.status };
  }

  /** Has the server forget the upload. One that it does not know is none. */
  async terminate(url: string): Promise<void> {
    const response = await this.#send("DELETE", url, {}, undefined);
    if (response.status >= 400 && response.status !== 404 && response.status !== 410) throw await response.toError();
    await response.body.discard(MAX_ANSWER_BYTES);
  }

  async #send(
    method: string,
    url: string,
    fields: Readonly<Record<string, string>>,
    body: PartToSend | undefined,
  ): Promise<ClientResponse> {
    const { stallTimeout: stall, signal, overrideMethod } = this.#options;
    const target = new URL(url);
    const home = target.origin === this.#endpoint.origin;
    if (home && target.username === "") {
      target.username = this.#endpoint.username;
      target.password = this.#endpoint.password;
    }
    // The caller's fields, credentials perhaps, are for the origin that the caller named.
    const headers = new HttpHeaders(home ? this.#options.headers : undefined);
    headers.set("Tus-Resumable", VERSION);
    for (const [name, value] of Object.entries(fields)) headers.set(name, value);
    if (body !== undefined) {
      headers.set("Content-Type", CONTENT_TYPE);
      const checksum = await this.#checksum(body.part);
      if (checksum !== undefined) headers.set("Upload-Checksum", checksum);
    }
    const overridden = overrideMethod && (method === "PATCH" || method === "DELETE");
    if (overridden) headers.set("X-HTTP-Method-Override", method);
    const options: RequestOptions = {
      headers,
      retry: false,
      raiseForStatus: false,
      compress: false,
      timeout: {
        read: stall,
        write: stall,
        headers: stall,
        total: Number.POSITIVE_INFINITY,
        attempt: Number.POSITIVE_INFINITY,
      },
      ...(signal === undefined ? {} : { signal }),
      ...(body === undefined ? {} : { body: body.body }),
    };
    return this.#session.request(overridden ? "POST" : method, target, options);
  }

  async #checksum(part: SourcePart): Promise<string | undefined> {
    const { checksum } = this.#options;
    if (checksum === undefined) return undefined;
    const digest = startDigest(checksum);
    digest.update(await part.bytes());
    return `${checksum} ${Buffer.from(digest.bytes()).toString("base64")}`;
  }

  #metadata(name: string | undefined): string {
    const { metadata, type } = this.#options;
    const all: Record<string, string> = {};
    if (name !== undefined) all["filename"] = name;
    if (type !== undefined) all["filetype"] = type;
    const pairs = Object.entries({ ...all, ...metadata });
    return pairs.map(([key, value]) => `${key} ${Buffer.from(value, "utf8").toString("base64")}`).join(",");
  }
}

function stateOf({ headers }: ClientResponse): ServerState {
  const expires = headers.get("upload-expires");
  return {
    offset: countIn("Upload-Offset", headers.get("upload-offset")),
    length: countIn("Upload-Length", headers.get("upload-length")),
    expiresAt: expires === null ? undefined : parseHttpDate(expires),
  };
}

function countIn(name: string, value: string | null): number | undefined {
  if (value === null) return undefined;
  if (!DIGITS.test(value)) throw badAnswer(name, `its value is ${JSON.stringify(value)}`);
  return Number(value);
}

function badAnswer(what: string, why: string): ProtocolError {
  return new ProtocolError("upload/bad-answer", `Cannot go on with the upload by the answer to ${what}: ${why}`);
}
