/** Basic authentication (RFC 7617): name and password with every request, without being asked. Only TLS keeps them private. */
import { UsageError } from "../../../errors.js";
import { refuseUnknown } from "../../../options.js";
import type { ClientMiddleware } from "../../middleware.js";
import { authorized, type CredentialOrigins, type CredentialRule, credentialRule } from "./credential-rule.js";
import { asBytes, type CredentialCharset, checkCredentials } from "./credentials.js";

/** How Basic credentials are written, and who gets them. */
export interface BasicOptions extends CredentialOrigins {
  /** How name and password become bytes; latin1 is for servers from before RFC 7617. @default "utf-8" */
  readonly charset?: CredentialCharset;
}

const KNOWN: ReadonlySet<string> = new Set<keyof BasicOptions>(["charset", "origins"]);

/**
 * A hop-stage middleware that sends `username` and `password` with every trusted request that has no `Authorization` of its own.
 * Throws `UsageError` `auth/username`, `auth/password` or `auth/charset`.
 */
export function basicAuth(username: string, password: string, options: BasicOptions = {}): ClientMiddleware {
  refuseUnknown("basicAuth", options, KNOWN);
  return basicMiddleware(basicCredentials(username, password, options.charset), credentialRule("session", options));
}

/** The same with a finished value and rule. */
export function basicMiddleware(value: string, mayHave: CredentialRule): ClientMiddleware {
  return (request, next) => next(mayHave(request) ? authorized(request, value) : request);
}

/** The `Authorization` value for Basic credentials (RFC 7617 §2). Throws as {@link basicAuth} does. */
export function basicCredentials(username: string, password: string, charset: CredentialCharset = "utf-8"): string {
  checkCredentials(username, password);
  if (charset !== "utf-8" && charset !== "latin1") {
    throw new UsageError("options/unknown-value", `Cannot use charset ${String(charset)}: expected utf-8 or latin1`);
  }
  const text = `${asBytes(username, charset)}:${asBytes(password, charset)}`;
  return `Basic ${Buffer.from(text, "latin1").toString("base64")}`;
}
