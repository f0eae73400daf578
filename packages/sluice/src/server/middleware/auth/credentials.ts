/** What both schemes do alike: reading `Authorization` (RFC 9110 §11.4), refusing, and telling handlers who asks. */

import { UsageError } from "../../../errors.js";
import { quoteString } from "../../../http/parameters.js";
import { HttpError } from "../../http-error.js";
import type { Key } from "../../keys.js";
import type { ServerRequest } from "../../request/server-request.js";

/** What a check may give: the user, true for one that needs no name, or nothing for none. */
export type AuthVerdict<User> = User | boolean | null | undefined;

const CREDENTIALS = /^([!#$%&'*+.^`|~\w-]+) +([A-Za-z0-9\-._~+/]+=*)$/;

/** The token68 of the credentials in `scheme` (lower case): undefined for no credentials or others, null for malformed ones. */
export function credentialsFor(scheme: string, request: ServerRequest): string | null | undefined {
  const value = request.headers.get("authorization");
  if (value === null || !value.toLowerCase().startsWith(scheme)) return undefined;
  const [, name = "", token68 = ""] = CREDENTIALS.exec(value) ?? [];
  if (name === "") return value.length === scheme.length || value[scheme.length] === " " ? null : undefined;
  return name.toLowerCase() === scheme ? token68 : undefined;
}

/** 401 (RFC 9110 §15.5.2), or another status with the same challenge. */
export function challenged(status: 400 | 401 | 403, message: string, challenge: string): HttpError {
  return new HttpError(status, message, { headers: { "WWW-Authenticate": challenge } });
}

/** Stores who asks; false if nobody does. `fallback` is the user where the check has only said yes. */
export function admit<User>(
  request: ServerRequest,
  verdict: AuthVerdict<User>,
  key: Key<User> | undefined,
  fallback: User,
): boolean {
  if (verdict === false || verdict === null || verdict === undefined) return false;
  // "true" is no user but a yes, unless users are booleans, which then are one and the same.
  if (key !== undefined) request.set(key, verdict === true ? fallback : (verdict as User));
  return true;
}

/** `name="value"`. Throws `UsageError` `options/unknown-value` for a value that no field can carry. */
export function challengeParameter(name: string, value: string): string {
  const quoted = typeof value === "string" ? quoteString(value) : undefined;
  if (quoted !== undefined) return `${name}=${quoted}`;
  throw new UsageError("options/unknown-value", `Cannot use ${name}: no challenge can carry this value`);
}
