/**
 * Entity tags for answers that have none, made of their bytes, and the answers that conditional requests then get: 304 to a
 * client whose copy is still good, 412 where it asked for a version that is gone (RFC 9110 §13).
 *
 * Only for GET and HEAD, answers 200, and bodies in memory: a stream would have to be gathered first. The handler has done its
 * work by then; what is spared is the sending. Inside of `compression` the tag is of the plain bytes, outside of the coded
 * ones; either is right.
 */

import type { Payload } from "../../body/payload.js";
import { type Conditions, evaluateConditions, readConditions, type Validators } from "../../http/conditional.js";
import { parseHttpDate } from "../../http/dates.js";
import { formatEntityTag } from "../../http/entity-tag.js";
import { refuseUnknown, requireObject } from "../../options.js";
import { contentDigest } from "../../platform/digest.js";
import { HttpError } from "../http-error.js";
import type { Middleware } from "../middleware-chain.js";
import { NotModified, type SparedAnswer } from "../not-modified.js";
import type { Reply } from "../reply.js";

/** How tags are made. */
export interface EtagOptions {
  /** Whether tags only say "equivalent", for answers that something behind us may still change. @default false */
  readonly weak?: boolean;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof EtagOptions>(["weak"]);
/** Fields of a body that a 304 has not got; `Content-Type` may stay, and tells others what the 200 was (RFC 9110 §15.4.5). */
const ABOUT_THE_BODY = ["Content-Length", "Content-Encoding", "Content-Language", "Content-Range"];

/** Adds `ETag`, and answers conditional requests by it, or by what a handler has set. `UsageError` `options/unknown`. */
export function etag(options: EtagOptions = {}): Middleware {
  requireObject("etag options", options);
  refuseUnknown("etag", options, OPTION_NAMES);
  const { weak = false } = options;
  return async function etag(request, next) {
    const answer = await next();
    const { method } = request;
    if (answer.status !== 200 || (method !== "GET" && method !== "HEAD")) return answer;
    if (answer.payload !== undefined && !answer.headers.has("etag")) tag(answer, answer.payload, weak);
    const conditions = readConditions(request.headers.raw);
    return conditions === undefined ? answer : conclude(method, conditions, answer);
  };
}

function tag({ headers }: Reply, { whole }: Payload, weak: boolean): void {
  const made = whole === undefined ? undefined : formatEntityTag(contentDigest(whole), weak);
  if (made !== undefined) headers.set("ETag", made);
}

function conclude(method: string, conditions: Conditions, answer: Reply): Reply {
  const { headers } = answer;
  const validators: Validators = {
    etag: headers.get("etag") ?? undefined,
    lastModified: parseHttpDate(headers.get("last-modified") ?? ""),
  };
  // Without a validator there is nothing to compare with; `If-None-Match: *` alone would make a 304 of anything.
  if (validators.etag === undefined && validators.lastModified === undefined) return answer;
  const verdict = evaluateConditions(method, conditions, validators);
  if (verdict === "proceed") return answer;
  const spared: SparedAnswer = { fields: [...headers.raw], length: answer.payload?.length };
  answer.discard();
  if (verdict === "failed") throw new HttpError(412, "There is another version by now");
  for (const name of ABOUT_THE_BODY) headers.delete(name);
  const unchanged = new NotModified(headers.raw, spared);
  unchanged.onTaken = answer.onTaken;
  unchanged.onSent = answer.onSent;
  return unchanged;
}
