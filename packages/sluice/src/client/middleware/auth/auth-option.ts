/** The `auth` option of sessions and requests: the four kinds of authentication at their fixed place, the last of the hop stage. */
import { UsageError } from "../../../errors.js";
import { refuseUnknown, requireObject } from "../../../options.js";
import type { ClientMiddleware } from "../../middleware.js";
import type { AuthOptions } from "../../options.js";
import { basicCredentials, basicMiddleware } from "./basic.js";
import { bearerMiddleware } from "./bearer.js";
import { credentialRule } from "./credential-rule.js";
import { digestMiddleware } from "./digest.js";
import { netrcMiddleware } from "./netrc.js";

const BASIC: ReadonlySet<string> = new Set(["username", "password", "charset", "origins"]);
const BEARER: ReadonlySet<string> = new Set(["bearer", "origins"]);
const DIGEST: ReadonlySet<string> = new Set(["digest"]);
const NETRC: ReadonlySet<string> = new Set(["netrc"]);

/**
 * The middleware for an `auth` option of a session, or of one request, which goes to whatever origin was asked for. Throws
 * `UsageError` for what it cannot be.
 */
export function authMiddleware(auth: AuthOptions, given: "session" | "caller"): ClientMiddleware {
  requireObject("auth", auth);
  if ("bearer" in auth) {
    refuseUnknown("auth", auth, BEARER);
    return bearerMiddleware(auth.bearer, credentialRule(given, auth));
  }
  if ("digest" in auth) {
    refuseUnknown("auth", auth, DIGEST);
    requireObject("auth.digest", auth.digest);
    const { username, password, ...options } = auth.digest;
    return digestMiddleware(username, password, options, credentialRule(given, options));
  }
  if ("netrc" in auth) {
    refuseUnknown("auth", auth, NETRC);
    if (auth.netrc !== true) requireObject("auth.netrc", auth.netrc);
    return netrcMiddleware(auth.netrc === true ? {} : auth.netrc, given);
  }
  refuseUnknown("auth", auth, BASIC);
  if (!("username" in auth)) {
    throw new UsageError("options/unknown-value", "Cannot use auth: expected username, bearer, digest or netrc in it");
  }
  return basicMiddleware(basicCredentials(auth.username, auth.password, auth.charset), credentialRule(given, auth));
}

/**
 * Makes the middleware of each `auth` object once, so that a caller who gives the same object to many requests has one memory of
 * nonces and tokens for them. The objects are held weakly.
 */
export class AuthCache {
  readonly #made = new WeakMap<AuthOptions, ClientMiddleware>();

  of(auth: AuthOptions): ClientMiddleware {
    let middleware = this.#made.get(auth);
    if (middleware === undefined) {
      middleware = authMiddleware(auth, "caller");
      this.#made.set(auth, middleware);
    }
    return middleware;
  }
}
