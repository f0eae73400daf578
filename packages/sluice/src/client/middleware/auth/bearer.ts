/**
 * Bearer tokens (RFC 6750): one that stays, one that a function gives for each request, or one that is kept until it ends or is
 * refused and is then refreshed, once for all requests that wait.
 */
import { UsageError } from "../../../errors.js";
import { refuseUnknown, requireFunction, requireNumber } from "../../../options.js";
import type { ClientMiddleware, Next } from "../../middleware.js";
import type { ClientRequest } from "../../request.js";
import type { ClientResponse } from "../../response.js";
import {
  answeredBy,
  authorized,
  type CredentialOrigins,
  type CredentialRule,
  credentialRule,
} from "./credential-rule.js";
import { checkedToken, REFRESH_DEFAULTS, type RefreshOptions, TokenKeeper } from "./token-keeper.js";

/** A token as it is, a function that is asked for each request, or how to get and refresh one that is shared. */
export type BearerSource = string | (() => string | Promise<string>) | RefreshOptions;

const KNOWN_REFRESH: ReadonlySet<string> = new Set<keyof RefreshOptions>([
  "refresh",
  "token",
  "refreshBefore",
  "refreshTimeout",
  "minRefreshInterval",
]);
const KNOWN: ReadonlySet<string> = new Set<keyof CredentialOrigins>(["origins"]);

/**
 * A hop-stage middleware that sends a token with every trusted request that has no `Authorization` of its own. What a function
 * throws is the request's error, what `refresh` throws its `cause` (`auth/refresh-failed`). Throws `UsageError` for options out
 * of range.
 */
export function bearerAuth(token: BearerSource, options: CredentialOrigins = {}): ClientMiddleware {
  refuseUnknown("bearerAuth", options, KNOWN);
  return bearerMiddleware(token, credentialRule("session", options));
}

/** The same with a finished rule. */
export function bearerMiddleware(source: BearerSource, mayHave: CredentialRule): ClientMiddleware {
  if (typeof source === "string") {
    const value = `Bearer ${checkedToken(source)}`;
    return (request, next) => next(mayHave(request) ? authorized(request, value) : request);
  }
  if (typeof source === "function") {
    return async (request, next) => {
      if (!mayHave(request)) return next(request);
      return next(authorized(request, `Bearer ${checkedToken(await source())}`));
    };
  }
  const keeper = new TokenKeeper(checkedRefresh(source));
  return async (request, next) => (mayHave(request) ? sendWith(keeper, request, next) : next(request));
}

/** With the token there is; after a 401, once more with a new one. */
async function sendWith(keeper: TokenKeeper, request: ClientRequest, next: Next): Promise<ClientResponse> {
  const token = await keeper.token(request);
  const response = await next(authorized(request, `Bearer ${token}`));
  if (response.status !== 401 || !answeredBy(request, response)) return response;
  if (!request.resendable) {
    keeper.refused(token);
    return response;
  }
  if (!keeper.mayReplace(token, request.clock)) return response;
  return next(authorized(request, `Bearer ${await keeper.replacement(token, request)}`));
}

function checkedRefresh(options: RefreshOptions): Required<Omit<RefreshOptions, "token">> & RefreshOptions {
  if (typeof options !== "object" || options === null) {
    const received = options === null ? "null" : typeof options;
    throw new UsageError(
      "options/unknown-value",
      `Cannot use bearer: expected string, function or object, received ${received}`,
    );
  }
  refuseUnknown("bearer", options, KNOWN_REFRESH);
  const resolved = { ...REFRESH_DEFAULTS, ...options };
  requireFunction("bearer.refresh", resolved.refresh);
  requireNumber("bearer.refreshBefore", resolved.refreshBefore, 0, Number.POSITIVE_INFINITY);
  requireNumber("bearer.refreshTimeout", resolved.refreshTimeout, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
  requireNumber("bearer.minRefreshInterval", resolved.minRefreshInterval, 0, Number.POSITIVE_INFINITY);
  return resolved;
}
