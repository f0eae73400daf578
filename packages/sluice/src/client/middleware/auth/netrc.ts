/**
 * Credentials from the user's `.netrc` file: those of the machine that a request goes to, looked up for each host, and never
 * taken along on a redirect. What does the work is loaded with the first request, and the file is read once.
 */
import { UsageError } from "../../../errors.js";
import { refuseUnknown, requireNumber } from "../../../options.js";
import type { ClientMiddleware } from "../../middleware.js";
import { type CredentialOrigins, type CredentialRule, credentialRule } from "./credential-rule.js";

/** Which file is read, and how what it says is used. */
export interface NetrcOptions extends CredentialOrigins {
  /** The file. It must be there. @default `$NETRC`, which must be there; else `.netrc` in the home folder, which need not */
  readonly path?: string;
  /** How the password is proved. @default "basic" */
  readonly scheme?: "basic" | "digest";
  /** Refuses a file that others than its owner can read, or that is not ours (not on Windows). @default true */
  readonly checkPermissions?: boolean;
  /** Largest file that is read, in bytes. @default 1_048_576 */
  readonly maxFileBytes?: number;
}

/** {@link NetrcOptions} with nothing left open but where the file is. */
export interface ResolvedNetrc {
  readonly path: string | undefined;
  readonly scheme: "basic" | "digest";
  readonly checkPermissions: boolean;
  readonly maxFileBytes: number;
}

const KNOWN: ReadonlySet<string> = new Set<keyof NetrcOptions>([
  "path",
  "scheme",
  "checkPermissions",
  "maxFileBytes",
  "origins",
]);
const MAX_FILE_BYTES = 1_024 * 1_024;

/**
 * A hop-stage middleware that sends what the file has for a request's host, to requests that have no `Authorization` of their
 * own. `default` is used for trusted requests only; an entry that names the host, for whatever request was sent there, as long as no
 * redirect led there. Requests fail with `UsageError` `auth/netrc-…` or `files/…` while the file cannot be used.
 */
export function netrcAuth(options: NetrcOptions = {}): ClientMiddleware {
  return netrcMiddleware(options, "session");
}

/** The same for a session, or for one request of the caller's, to which `default` applies wherever it goes. */
export function netrcMiddleware(options: NetrcOptions, given: "session" | "caller"): ClientMiddleware {
  refuseUnknown("netrc", options, KNOWN);
  const { path, scheme = "basic", checkPermissions = true, maxFileBytes = MAX_FILE_BYTES } = options;
  if (scheme !== "basic" && scheme !== "digest") {
    throw new UsageError("options/out-of-range", `Cannot use netrc.scheme ${String(scheme)}: expected basic or digest`);
  }
  requireNumber("netrc.maxFileBytes", maxFileBytes, 1, Number.POSITIVE_INFINITY);
  const resolved: ResolvedNetrc = { path, scheme, checkPermissions, maxFileBytes };
  const mayHaveOwn: CredentialRule = credentialRule("caller", options);
  const mayHaveDefault: CredentialRule = credentialRule(given, options);
  let loading: Promise<ClientMiddleware> | undefined;
  return async (request, next) => {
    if (!mayHaveOwn(request)) return next(request);
    loading ??= import("./netrc-client.js").then((module) => {
      return new module.NetrcClient(resolved).middleware(mayHaveDefault);
    });
    return (await loading)(request, next);
  };
}
