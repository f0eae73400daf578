/**
 * Where credentials may go: the one decision that all authenticating middleware shares. Never along a redirect that has left the
 * origin asked for, not even to an origin that is named: whoever redirects must not choose who gets to see a password.
 */
import { UsageError } from "../../../errors.js";
import { hasField } from "../../field-lines.js";
import type { ClientRequest } from "../../request.js";
import { parseAbsolute } from "../../request-url.js";
import type { ClientResponse } from "../../response.js";

/** Which requests get credentials. */
export interface CredentialOrigins {
  /**
   * The only origins that get them, as URLs of which scheme, host and port count.
   * @default those that get the session's defaults: `baseUrl`'s and `defaultsFor`; without a `baseUrl` whichever is asked for
   */
  readonly origins?: readonly string[];
}

/** Says whether a request may be given credentials. */
export type CredentialRule = (request: ClientRequest) => boolean;

/**
 * The rule for credentials of a session (which go where its defaults go), or of the caller for one request (which go to the
 * origin asked for). A request with an `Authorization` of its own is left alone. Throws `InvalidUrlError` for an origin that is
 * no URL.
 */
export function credentialRule(given: "session" | "caller", { origins }: CredentialOrigins): CredentialRule {
  const named = origins === undefined ? undefined : new Set(origins.map(originOf));
  return (request) => {
    if (request.trust === "none" || hasField(request.fields, "authorization")) return false;
    if (named !== undefined) return named.has(request.target.origin);
    return given === "caller" || request.trusted;
  };
}

/** `request` with this `Authorization`; the request itself is not changed. */
export function authorized(request: ClientRequest, value: string): ClientRequest {
  return request.with({ fields: [...request.fields, "authorization", value] });
}

/**
 * Whether the answer is the origin's own word on this request. Outside of the redirects it may be that of another, whose
 * challenges are not to be answered here.
 */
export function answeredBy(request: ClientRequest, response: ClientResponse): boolean {
  return response.request.target.origin === request.target.origin;
}

function originOf(text: string): string {
  const url = parseAbsolute(text);
  if (url.protocol === "http:" || url.protocol === "https:") return url.origin;
  throw new UsageError("options/out-of-range", `Cannot send credentials to ${url.protocol} URLs: name http or https`);
}
