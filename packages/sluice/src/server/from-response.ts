/** A WHATWG `Response` as a reply: for handlers written for fetch-style servers, and for passing on what a fetch returned. */

import { toPayload } from "../body/payload.js";
import { UsageError } from "../errors.js";
import { Reply } from "./reply.js";

/** Fields about the connection that a response came over, or that this server decides itself (RFC 9110 §7.6.1). */
const NOT_PASSED_ON = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade"]);
/** Fields about bytes that fetch has decoded since; only true of a response made by hand. */
const ABOUT_ENCODED_BYTES = new Set(["content-encoding", "content-length"]);

/** Whether `value` is a `Response` of any realm or package. Asks for its tag, because naming the global loads all of fetch. */
export function isResponse(value: object): value is Response {
  return Object.prototype.toString.call(value) === "[object Response]" && "headers" in value && "status" in value;
}

/** Whether the field `name` (lower case) of a response is one of the answer, and not of a connection. */
export function isPassedOn(name: string): boolean {
  return !NOT_PASSED_ON.has(name);
}

/**
 * Its status, fields and, if asked for, body. Throws `UsageError`: `reply/response-used` if its body was read, `reply/status` if it is an
 * error.
 */
export function fromResponse(response: Response, withBody = true): Reply {
  if (response.bodyUsed) {
    throw new UsageError("reply/response-used", "Cannot answer with this Response: its body has been read");
  }
  const fetched = response.url !== "";
  const fields: string[] = [];
  for (const [name, value] of response.headers) {
    if (NOT_PASSED_ON.has(name) || (fetched && ABOUT_ENCODED_BYTES.has(name))) continue;
    fields.push(name, value);
  }
  const body = withBody ? response.body : null;
  const made = new Reply(response.status, fields, body === null ? undefined : toPayload(body));
  if (response.statusText !== "") made.reason = response.statusText;
  return made;
}
