/**
 * HTTP Basic authentication (RFC 7617). Credentials are read strictly: UTF-8, a name up to the first colon, no control characters.
 * Passwords from a list are compared in a time that does not tell how much of one was right, nor whether there is such a user.
 */

import { UsageError } from "../../../errors.js";
import { refuseUnknown, requireFunction, requireObject } from "../../../options.js";
import { isSameHiddenText } from "../../../platform/hash.js";
import type { Key } from "../../keys.js";
import type { Middleware } from "../../middleware-chain.js";
import type { ServerRequest } from "../../request/server-request.js";
import { type AuthVerdict, admit, challenged, challengeParameter, credentialsFor } from "./credentials.js";

/** Says who has these credentials: a user, true, or nothing. What it throws is the answer, as with a handler. */
export type BasicVerifier<User> = (
  username: string,
  password: string,
  request: ServerRequest,
) => AuthVerdict<User> | Promise<AuthVerdict<User>>;

/** Who may; one of `users` and `verify`. */
export interface BasicAuthOptions<User = string> {
  /** Passwords by user name. */
  readonly users?: Readonly<Record<string, string>>;
  /** Checks credentials in another way, against hashes above all. */
  readonly verify?: BasicVerifier<User>;
  /** What browsers show, and the part of the site that the credentials are for (RFC 9110 §11.5). @default "Restricted" */
  readonly realm?: string;
  /** Where handlers find the user: what `verify` gave, or the name if that was true. */
  readonly key?: Key<User>;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof BasicAuthOptions>(["users", "verify", "realm", "key"]);
const CONTROL = /\p{Cc}/u;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Lets in who has a name and a password; others get 401 and a challenge. Only over TLS: the password goes along with every request.
 * `UsageError` `options/…` for options of the wrong kind, unknown, or too many.
 */
export function basicAuth<User = string>(options: BasicAuthOptions<User>): Middleware {
  requireObject("basicAuth options", options);
  refuseUnknown("basicAuth", options, OPTION_NAMES);
  const { realm = "Restricted", key } = options;
  const verify = verifierOf(options);
  // RFC 7617 §2.1: says that names and passwords are UTF-8.
  const challenge = `Basic ${challengeParameter("realm", realm)}, charset="UTF-8"`;
  return async function basicAuth(request, next) {
    const given = credentialsFor("basic", request);
    if (given === undefined) throw challenged(401, "Name and password are needed", challenge);
    const credentials = given === null ? undefined : tryDecode(given);
    if (credentials === undefined) throw challenged(401, "The credentials are malformed", challenge);
    const { username, password } = credentials;
    // Where `verify` gives true, users are their names: its type says so.
    const fallback = username as User;
    if (!admit(request, await verify(username, password, request), key, fallback)) {
      throw challenged(401, "Name or password are wrong", challenge);
    }
    return next();
  };
}

function verifierOf<User>({ users, verify }: BasicAuthOptions<User>): BasicVerifier<User> {
  if ((users === undefined) === (verify === undefined)) {
    throw new UsageError("options/unknown-value", "Cannot use basicAuth: give it either users or verify");
  }
  if (users === undefined) {
    requireFunction("verify", verify);
    return verify as BasicVerifier<User>;
  }
  requireObject("users", users);
  const passwords = new Map(Object.entries(users));
  for (const [username, password] of passwords) {
    if (typeof password === "string" && !username.includes(":") && !CONTROL.test(`${username}${password}`)) continue;
    const rule = "a name has no colon, neither has control characters (RFC 7617 §2)";
    throw new UsageError(
      "options/unknown-value",
      `Cannot use users: ${JSON.stringify(username)} cannot be sent, ${rule}`,
    );
  }
  return (username, password) => {
    const expected = passwords.get(username);
    // An unknown user costs a comparison, too.
    const isSame = isSameHiddenText(password, expected ?? "");
    return expected !== undefined && isSame;
  };
}

function tryDecode(token68: string): { readonly username: string; readonly password: string } | undefined {
  const bytes = Buffer.from(token68, "base64");
  // Reading base64 passes over what is none; only the one spelling is taken.
  if (bytes.toString("base64").replace(/=+$/, "") !== token68.replace(/=+$/, "")) return undefined;
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    // Not UTF-8, which the challenge asks for.
    return undefined;
  }
  const colon = text.indexOf(":");
  if (colon === -1 || CONTROL.test(text)) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
