/**
 * Bearer tokens (RFC 6750), from the `Authorization` field only: in URLs and forms they end up in logs. Who asks without one is told
 * what is needed and no more; who asks with a bad one, that it is (§3.1).
 */

import { UsageError } from "../../../errors.js";
import { refuseUnknown, requireFunction, requireObject } from "../../../options.js";
import { isSameHiddenText } from "../../../platform/hash.js";
import type { Key } from "../../keys.js";
import type { Middleware } from "../../middleware-chain.js";
import type { ServerRequest } from "../../request/server-request.js";
import { type AuthVerdict, admit, challenged, challengeParameter, credentialsFor } from "./credentials.js";

/** Says whose token this is: a user, true, or nothing. What it throws is the answer, as with a handler. */
export type BearerVerifier<User> = (
  token: string,
  request: ServerRequest,
) => AuthVerdict<User> | Promise<AuthVerdict<User>>;

/** Who may; one of `tokens` and `verify`. */
export interface BearerAuthOptions<User = string> {
  /** Tokens that are good. Compared in a time that does not tell how much of one was right. */
  readonly tokens?: readonly string[];
  /** Checks a token in another way. */
  readonly verify?: BearerVerifier<User>;
  /** Names what the tokens are for (RFC 9110 §11.5). @default absent */
  readonly realm?: string;
  /** The scope that a token needs, told in challenges; checking it is up to `verify` (RFC 6750 §3). @default absent */
  readonly scope?: string;
  /** Where handlers find the user: what `verify` gave, or the token if that was true. */
  readonly key?: Key<User>;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof BearerAuthOptions>([
  "tokens",
  "verify",
  "realm",
  "scope",
  "key",
]);
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const SCOPE = /^[!#-[\]-~]+(?: [!#-[\]-~]+)*$/;

/**
 * Lets in who has a good token. Others get 401 and a challenge, or 400 for a malformed field. `UsageError` `options/…` for options of the
 * wrong kind, unknown, or too many.
 */
export function bearerAuth<User = string>(options: BearerAuthOptions<User>): Middleware {
  requireObject("bearerAuth options", options);
  refuseUnknown("bearerAuth", options, OPTION_NAMES);
  const verify = verifierOf(options);
  const parameters = challengeParameters(options);
  const challenge = (error?: string) => {
    const all = error === undefined ? parameters : [...parameters, `error="${error}"`];
    return all.length === 0 ? "Bearer" : `Bearer ${all.join(", ")}`;
  };
  return async function bearerAuth(request, next) {
    const token = credentialsFor("bearer", request);
    if (token === undefined) throw challenged(401, "A token is needed", challenge());
    if (token === null) throw challenged(400, "The token is malformed", challenge("invalid_request"));
    // Where `verify` gives true, users are their tokens: its type says so.
    const fallback = token as User;
    if (!admit(request, await verify(token, request), options.key, fallback)) {
      throw challenged(401, "The token is not valid", challenge("invalid_token"));
    }
    return next();
  };
}

function verifierOf<User>({ tokens, verify }: BearerAuthOptions<User>): BearerVerifier<User> {
  if ((tokens === undefined) === (verify === undefined)) {
    throw new UsageError("options/unknown-value", "Cannot use bearerAuth: give it either tokens or verify");
  }
  if (tokens === undefined) {
    requireFunction("verify", verify);
    return verify as BearerVerifier<User>;
  }
  const good = [...tokens];
  // Said without the token: it may be a good one but for a line end.
  if (!good.every((token) => typeof token === "string" && TOKEN.test(token))) {
    throw new UsageError("options/unknown-value", "Cannot use tokens: one of them cannot be sent, see RFC 6750 §2.1");
  }
  return (token) => good.reduce((found, one) => isSameHiddenText(token, one) || found, false);
}

function challengeParameters({ realm, scope }: Pick<BearerAuthOptions, "realm" | "scope">): string[] {
  const parameters: string[] = [];
  if (realm !== undefined) parameters.push(challengeParameter("realm", realm));
  if (scope === undefined) return parameters;
  if (!SCOPE.test(scope)) {
    throw new UsageError("options/unknown-value", `Cannot use scope ${JSON.stringify(scope)}: see RFC 6749 §3.3`);
  }
  return [...parameters, `scope="${scope}"`];
}
