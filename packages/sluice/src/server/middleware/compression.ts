/**
 * Answers in the content coding that the client likes best (RFC 9110 §8.4, §12.5.3).
 *
 * What is coded: answers with a body of a kind that becomes smaller, that nobody has coded before, whole (no 206), and that may be
 * transformed (RFC 9111 §5.2.2.6). All of these say `Vary: Accept-Encoding`, coded or not. An answer to HEAD is that to GET.
 *
 * A coded answer is not the same bytes, so a strong entity tag becomes weak: it still answers "has it changed?", and no longer
 * "are these the bytes I have a part of?", to which ranges and `If-Match` belong (§8.8.1).
 *
 * How: bodies in memory are coded at once if they are small, on another thread if not, and keep a length; everything else is coded
 * as it is sent, and leaves when its source pauses, so that nothing is held back.
 */

import { type ContentCoding, type ContentEncoder, encoderFor } from "../../body/content-coding.js";
import { type CompressOptions, compressedPayload, compressedWhole } from "../../body/sending/compressed-payload.js";
import { isWeakTag } from "../../http/entity-tag.js";
import { addVary } from "../../http/vary.js";
import type { Middleware } from "../middleware-chain.js";
import { NotModified } from "../not-modified.js";
import { Reply } from "../reply.js";
import type { ServerRequest } from "../request/server-request.js";
import type { CodingChoice } from "./compressing/coding-choice.js";
import { type CompressionOptions, type ResolvedCompression, resolveCompression } from "./compressing/options.js";

/** Coding this much holds up the event loop for some tenths of a millisecond; a thread would take about as long to be asked. */
const AT_ONCE_BYTES = 16 * 1024;
/** Beyond it a body in memory is coded as it is sent: the first bytes leave sooner, and the coded body is never in memory as a whole. */
const MOST_WHOLE_BYTES = 1024 * 1024;
const STREAMED: CompressOptions = { atOnceBytes: AT_ONCE_BYTES, flushOnPause: true };
const NOT_MODIFIED = 304;
/** Without a body, or with a part of one. */
const NEVER_CODED: ReadonlySet<number> = new Set([204, 205, 206, NOT_MODIFIED]);
/** Fields that are only true of the body as it is (RFC 9530). */
const DIGESTS = ["content-digest", "repr-digest", "digest", "content-md5"];
const NO_TRANSFORM = /(?:^|[,\s])no-transform(?:$|[,\s])/i;

/** Compresses answers. `UsageError` `options/…` for an option out of its range, of the wrong kind, or unknown. */
export function compression(options: CompressionOptions = {}): Middleware {
  const compressor = new Compressor(resolveCompression(options));
  return async function compression(request, next) {
    let answer: Reply;
    try {
      answer = await next();
    } catch (error) {
      // The answer to an error is made outside of all middleware.
      request.beforeReply((reply) => compressor.encodeNow(request, reply));
      throw error;
    }
    const encoder = compressor.encoderOf(request, answer);
    if (encoder !== undefined) await compressor.encode(answer, encoder);
    return answer;
  };
}

/** What one use of the middleware has: its options, and an encoder for each coding that was asked for. */
class Compressor {
  readonly #options: ResolvedCompression;
  readonly #encoders = new Map<ContentCoding, ContentEncoder>();

  constructor(options: ResolvedCompression) {
    this.#options = options;
  }

  /** The encoder for this answer, if it is to be coded; says in `Vary` what that depends on. */
  encoderOf(request: ServerRequest, reply: Reply): ContentEncoder | undefined {
    const choice = this.#options.choices.of(request.headers.get("accept-encoding") ?? undefined);
    if (reply.status === NOT_MODIFIED) this.#describe(request, reply, choice);
    const { payload } = reply;
    if (payload === undefined || !this.#mayEncode(request, reply, payload.length, choice)) return undefined;
    addVary(reply.headers, "Accept-Encoding");
    return choice.coding === undefined ? undefined : this.#encoderFor(choice.coding);
  }

  async encode(reply: Reply, encoder: ContentEncoder): Promise<void> {
    const { payload } = reply;
    const { whole, length = 0 } = payload ?? {};
    if (payload === undefined || whole === undefined || length <= AT_ONCE_BYTES || length > MOST_WHOLE_BYTES) {
      this.#put(reply, encoder);
      return;
    }
    const coded = await compressedWhole(whole, encoder);
    this.#settle(reply, coded, encoder.coding);
  }

  /** {@link encode} without waiting. */
  encodeNow(request: ServerRequest, reply: Reply): void {
    const encoder = this.encoderOf(request, reply);
    if (encoder !== undefined) this.#put(reply, encoder);
  }

  #put(reply: Reply, encoder: ContentEncoder): void {
    const { payload } = reply;
    if (payload !== undefined) this.#settle(reply, compressedPayload(payload, encoder, STREAMED), encoder.coding);
  }

  /** Sends `coded` instead, unless that has become larger. */
  #settle(reply: Reply, coded: NonNullable<Reply["payload"]>, coding: ContentCoding): void {
    const { headers, payload } = reply;
    if (coded.length !== undefined && payload?.length !== undefined && coded.length >= payload.length) return;
    reply.payload = coded;
    headers.set("Content-Encoding", coding);
    headers.delete("Content-Length");
    // Ranges would be of the coded bytes, which nobody keeps.
    headers.delete("Accept-Ranges");
    weakenTag(reply);
  }

  /** `length`: bytes of the body, where they are known. */
  #mayEncode(request: ServerRequest, reply: Reply, length: number | undefined, choice: CodingChoice): boolean {
    if (NEVER_CODED.has(reply.status)) return false;
    if (length === 0 || (length !== undefined && length < this.#options.threshold && !choice.identityRefused))
      return false;
    const { headers } = reply;
    if (headers.has("content-encoding") || headers.has("content-range")) return false;
    if (NO_TRANSFORM.test(headers.get("cache-control") ?? "")) return false;
    if (DIGESTS.some((name) => headers.has(name))) return false;
    if (!choice.identityRefused && !this.#options.types.has(headers.get("content-type") ?? "")) return false;
    return this.#options.skip?.(request, reply) !== true;
  }

  /** A 304 says what the 200 would have said (RFC 9110 §15.4.5), as far as it is known. */
  #describe(request: ServerRequest, reply: Reply, choice: CodingChoice): void {
    const { headers } = reply;
    if (!headers.has("etag") || !this.#wouldEncode(request, reply, choice)) return;
    addVary(headers, "Accept-Encoding");
    if (choice.coding !== undefined) weakenTag(reply);
  }

  /** Of a 304 that a handler has made there is no more than the type, and that not always. */
  #wouldEncode(request: ServerRequest, reply: Reply, choice: CodingChoice): boolean {
    if (reply instanceof NotModified) {
      const { fields, length } = reply.spared;
      return this.#mayEncode(request, new Reply(200, fields), length, choice);
    }
    const type = reply.headers.get("content-type");
    return type === null || this.#options.types.has(type);
  }

  #encoderFor(coding: ContentCoding): ContentEncoder {
    let encoder = this.#encoders.get(coding);
    if (encoder === undefined) {
      encoder = encoderFor(coding, { level: this.#options.levels[coding], lean: true });
      this.#encoders.set(coding, encoder);
    }
    return encoder;
  }
}

function weakenTag({ headers }: Reply): void {
  const tag = headers.get("etag");
  if (tag !== null && !isWeakTag(tag)) headers.set("ETag", `W/${tag}`);
}
