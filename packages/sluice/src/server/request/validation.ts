/**
 * What a client sent, checked by a Standard Schema: the value that the schema makes of it, or a 422 (RFC 9110 §15.5.21) that names every
 * failing path. Nothing is coerced here: fields of a query or a form reach the schema as the text they are.
 *
 * The problem document follows the example of RFC 9457 §3: `errors` has a JSON pointer (RFC 6901) and a `detail` for each issue. Some
 * schema libraries quote the value in their wording; here it is taken out again, because a value may be a secret, and an answer can
 * end in a log. How many issues are listed is limited: a small body can have very many.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { applySchema, type SchemaResult } from "../../body/schema.js";
import { ValidationError, type ValidationIssue } from "../../errors.js";
import { HttpError } from "../http-error.js";

/** What of a request was checked. */
export type CheckedPart = "body" | "query" | "params" | "headers" | "cookies";

/** One entry of `errors` in the problem document of a 422. */
export interface InvalidPlace {
  readonly in: CheckedPart;
  /** A JSON pointer as URI fragment (RFC 6901 §6): `#/users/0/name`; `#` is the whole. */
  readonly pointer: string;
  /** The schema's words, without the value. */
  readonly detail: string;
}

/** Most issues that an answer lists; it says how many more there are. */
export const MAX_LISTED_ISSUES = 1_000;
/** Most characters of one issue's wording, and of one member of its path, in an answer. */
const MAX_WORDING = 200;
const MAX_MEMBER = 100;
/** Where a value this short is not between quotes, finding it says nothing: "is" is in many a sentence. */
const TELLING_LENGTH = 4;
const ELLIPSIS = "…";

/**
 * What `schema` makes of `value`; a promise only if the schema is asynchronous. Throws `HttpError` 422 `server/schema-mismatch` whose
 * `cause` is a `ValidationError` with the issues as the schema gave them; what the schema throws is thrown on, and becomes a 500.
 */
export function validated(schema: StandardSchemaV1, value: unknown, part: CheckedPart): unknown {
  const result = applySchema(schema, value);
  return result instanceof Promise ? result.then((late) => outputOf(late, value, part)) : outputOf(result, value, part);
}

/** The 422 for issues of a value that is not at hand any more: it says where, but not in the schema's words. */
export function mismatchUnseen(error: ValidationError): HttpError {
  return mismatch(error.issues, "body", () => "Does not match the schema");
}

function outputOf(result: SchemaResult, value: unknown, part: CheckedPart): unknown {
  if (result.issues === undefined) return result.value;
  throw mismatch(result.issues, part, (issue) => withoutValue(issue.message, valueAt(value, issue.path)));
}

function mismatch(
  issues: readonly ValidationIssue[],
  part: CheckedPart,
  wordingOf: (issue: ValidationIssue) => string,
): HttpError {
  const errors = issues.slice(0, MAX_LISTED_ISSUES).map((issue): InvalidPlace => {
    return { in: part, pointer: pointerTo(issue.path), detail: cut(wordingOf(issue), MAX_WORDING) };
  });
  const unlisted = issues.length - errors.length;
  const details = unlisted === 0 ? { errors } : { errors, unlistedErrors: unlisted };
  const count = issues.length === 1 ? "1 problem" : `${issues.length} problems`;
  const message = `The request's ${part} cannot be used as sent: ${count}`;
  const cause = new ValidationError("body/schema-mismatch", message, { issues });
  return new HttpError(422, message, { code: "server/schema-mismatch", details, cause });
}

function pointerTo(path: readonly PropertyKey[]): string {
  let pointer = "#";
  for (const member of path) {
    const escaped = cut(String(member), MAX_MEMBER).replaceAll("~", "~0").replaceAll("/", "~1");
    // Half a character has no place in a URI.
    pointer += `/${encodeURIComponent(escaped.replace(/\p{Surrogate}/gu, "\ufffd"))}`;
  }
  return pointer;
}

/** The value that an issue is about, as far as its path leads. */
function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  let value = whole;
  for (const member of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, member)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[member];
  }
  return value;
}

function withoutValue(message: string, value: unknown): string {
  if (typeof value === "object" || value === undefined || typeof value === "function") return message;
  const text = String(value);
  if (text === "" || text.length > message.length) return message;
  const quoted = [JSON.stringify(text), `"${text}"`, `'${text}'`, `\`${text}\``];
  let cleaned = message;
  for (const quote of quoted) cleaned = cleaned.replaceAll(quote, ELLIPSIS);
  if (typeof value !== "string") return cleaned.replaceAll(wholeWord(text), ELLIPSIS);
  return text.length < TELLING_LENGTH ? cleaned : cleaned.replaceAll(text, ELLIPSIS);
}

/** A number, boolean or bigint where it is not part of another word. */
function wholeWord(text: string): RegExp {
  return new RegExp(`(?<![\\w.])${text.replace(/[^\w]/g, "\\$&")}(?![\\w.])`, "g");
}

function cut(text: string, most: number): string {
  return text.length > most ? text.slice(0, most) + ELLIPSIS : text;
}
