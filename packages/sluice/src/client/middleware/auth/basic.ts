/**
 * Basic (RFC 7617) and bearer (RFC 6750) authentication as hop middleware. Credentials go only where the request is trusted:
 * not to another origin after a redirect, nor to an origin that does not get the session's defaults.
 */
import { UsageError } from "../../errors.js";
import type { ClientMiddleware } from "../middleware.js";
import type { AuthOptions } from "../options.js";
import type { ClientRequest } from "../request.js";

/** Sends `username` and `password`, as UTF-8, with every trusted request that has no `Authorization` of its own. */
export function basicAuth(username: string, password: string): ClientMiddleware {
  return authorization(basicValue(username, password));
}

/** Sends a token, or what the function gives, which is asked for each request. */
export function bearerAuth(token: string | (() => string | Promise<string>)): ClientMiddleware {
  return authorization(bearerValue(token));
}

/** The middleware for the `auth` option of a session, or of one request, which goes to whatever origin was asked for. */
export function authMiddleware(auth: AuthOptions, given: "session" | "caller"): ClientMiddleware {
  const value = "bearer" in auth ? bearerValue(auth.bearer) : basicValue(auth.username, auth.password);
  return given === "session" ? authorization(value) : authorization(value, (request) => request.trust !== "none");
}

/** The `Authorization` value for Basic credentials. Throws `UsageError`: the user name may not contain a colon (RFC 7617 §2). */
export function basicCredentials(username: string, password: string): string {
  if (username.includes(":")) {
    throw new UsageError("auth/username", "Cannot use a user name with a colon for Basic authentication");
  }
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

function basicValue(username: string, password: string): () => string {
  const value = basicCredentials(username, password);
  return () => value;
}

function bearerValue(token: string | (() => string | Promise<string>)): () => string | Promise<string> {
  return typeof token === "string" ? () => `Bearer ${token}` : async () => `Bearer ${await token()}`;
}

function authorization(
  value: () => string | Promise<string>,
  mayHave: (request: ClientRequest) => boolean = (request) => request.trusted,
): ClientMiddleware {
  return async (request, next) => {
    if (mayHave(request) && !request.headers.has("authorization")) {
      const hop = request.with({});
      hop.headers.set("authorization", await value());
      return next(hop);
    }
    return next(request);
  };
}
