/**
 * The tus resumable upload protocol 1.0.0 (https://tus.io/protocols/resumable-upload) with the extensions creation,
 * creation-with-upload, creation-defer-length, checksum, expiration and termination: requests read, answers written. What is done
 * in between is the desk's.
 */

import { formatHttpDate } from "../../http/dates.js";
import { HttpError } from "../http-error.js";
import type { Reply } from "../reply.js";
import { reply } from "../reply-kinds.js";
import type { ServerRequest } from "../request/server-request.js";
import {
  badField,
  readByteCount,
  readChecksum,
  readMetadata,
  TUS_CHECKSUMS,
  TUS_CONTENT_TYPE,
  TUS_EXTENSIONS,
  TUS_VERSION,
} from "./tus-fields.js";
import type { CreateAsk, UploadDesk, UploadState } from "./upload-desk.js";
import type { UploadLimits } from "./uploads-options.js";

const ID = /^[0-9a-f]{32}$/;

/** Answers the requests for uploads. */
export class TusHandlers {
  readonly #desk: UploadDesk;
  readonly #limits: Readonly<UploadLimits>;

  constructor(desk: UploadDesk, limits: Readonly<UploadLimits>) {
    this.#desk = desk;
    this.#limits = limits;
  }

  /** For the place where uploads are created. `base` is the path that ids are put behind. */
  async collection(request: ServerRequest, base: string): Promise<Reply> {
    const method = methodOf(request);
    if (method === "OPTIONS") return this.#options("OPTIONS, POST");
    requireVersion(request);
    if (method !== "POST") throw notAllowed(method, "OPTIONS, POST");
    await this.#desk.start();
    const state = await this.#desk.create(request, this.#creation(request));
    const headers = { Location: `${base}/${state.record.id}`, "Upload-Offset": String(state.offset), ...expiry(state) };
    return reply.empty({ status: 201, headers });
  }

  /** For one upload. */
  async upload(request: ServerRequest, id: string): Promise<Reply> {
    const method = methodOf(request);
    if (method === "OPTIONS") return this.#options("DELETE, HEAD, OPTIONS, PATCH");
    requireVersion(request);
    if (!ID.test(id)) throw new HttpError(404, "There is no such upload", { code: "upload/unknown" });
    await this.#desk.start();
    switch (method) {
      case "HEAD":
        return this.#head(request, id);
      case "PATCH":
        return this.#patch(request, id);
      case "DELETE":
        await this.#desk.terminate(request, id);
        return reply.empty();
      default:
        throw notAllowed(method, "DELETE, HEAD, OPTIONS, PATCH");
    }
  }

  async #head(request: ServerRequest, id: string): Promise<Reply> {
    const state = await this.#desk.inspect(request, id);
    const { length, metadata } = state.record;
    const headers: Record<string, string> = {
      "Cache-Control": "no-store",
      "Upload-Offset": String(state.offset),
      ...(length === undefined ? { "Upload-Defer-Length": "1" } : { "Upload-Length": String(length) }),
      ...(metadata === "" ? {} : { "Upload-Metadata": metadata }),
      ...expiry(state),
    };
    return reply.empty({ status: 200, headers });
  }

  async #patch(request: ServerRequest, id: string): Promise<Reply> {
    requireContentType(request);
    const { headers } = request;
    const offset = readByteCount("Upload-Offset", headers.get("upload-offset"));
    if (offset === undefined) throw badField("Upload-Offset", "a PATCH has to have it");
    const length = readByteCount("Upload-Length", headers.get("upload-length"));
    const checksum = readChecksum(headers.get("upload-checksum"));
    const state = await this.#desk.append(request, id, { offset, length, checksum });
    return reply.empty({ headers: { "Upload-Offset": String(state.offset), ...expiry(state) } });
  }

  #creation(request: ServerRequest): CreateAsk {
    const { headers } = request;
    // Taken for an upload of its own, each part would become a file.
    if (headers.has("upload-concat"))
      throw badField("Upload-Concat", "parts are not joined here; send it as one upload");
    const length = readByteCount("Upload-Length", headers.get("upload-length"));
    const deferred = headers.get("upload-defer-length");
    if (deferred !== null && deferred !== "1") throw badField("Upload-Defer-Length", "expected 1");
    if ((length === undefined) === (deferred === null)) {
      throw badField("Upload-Length", "expected one of Upload-Length and Upload-Defer-Length");
    }
    const metadata = headers.get("upload-metadata") ?? "";
    readMetadata(metadata, this.#limits.maxMetadataBytes);
    const withBody = request.hasBody && request.contentLength !== 0;
    if (withBody) requireContentType(request);
    const checksum = readChecksum(headers.get("upload-checksum"));
    return { length, metadata, incoming: withBody ? { checksum } : undefined };
  }

  #options(allow: string): Reply {
    const { maxSize } = this.#limits;
    const headers: Record<string, string> = {
      Allow: allow,
      "Tus-Version": TUS_VERSION,
      "Tus-Extension": TUS_EXTENSIONS.join(","),
      "Tus-Checksum-Algorithm": TUS_CHECKSUMS.join(","),
      ...(maxSize === Number.POSITIVE_INFINITY ? {} : { "Tus-Max-Size": String(maxSize) }),
    };
    return reply.empty({ headers });
  }
}

/** For clients, and ways to us, that know no PATCH and DELETE. */
function methodOf(request: ServerRequest): string {
  return request.headers.get("x-http-method-override")?.toUpperCase() ?? request.method;
}

function requireVersion(request: ServerRequest): void {
  if (request.headers.get("tus-resumable") === TUS_VERSION) return;
  throw new HttpError(412, `Cannot speak with this client: Tus-Resumable has to be ${TUS_VERSION}`, {
    code: "upload/version",
    headers: { "Tus-Version": TUS_VERSION },
  });
}

function requireContentType(request: ServerRequest): void {
  if (request.headers.has("content-encoding")) {
    throw new HttpError(415, "Cannot take the body: uploads have no content coding", { code: "upload/content-type" });
  }
  if (request.mediaType?.essence === TUS_CONTENT_TYPE) return;
  throw new HttpError(415, `Cannot take the body: expected ${TUS_CONTENT_TYPE}`, { code: "upload/content-type" });
}

function notAllowed(method: string, allow: string): HttpError {
  return new HttpError(405, `Cannot ${method} here`, { headers: { Allow: allow } });
}

function expiry({ expiresAt }: UploadState): Record<string, string> {
  return expiresAt === undefined ? {} : { "Upload-Expires": formatHttpDate(expiresAt) };
}
