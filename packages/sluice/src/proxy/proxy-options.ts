/** What may be asked of a proxy, and what it becomes: every property present, in range, and worked out once. */

import { isToken } from "../bytes/char-tables.js";
import { mergeTimeouts } from "../client/option-values.js";
import { TIMEOUT_DEFAULTS, type TimeoutOptions } from "../client/options.js";
import { UsageError } from "../errors.js";
import type { HttpHeaders } from "../http/headers.js";
import { refuseUnknown, requireFunction, requireNumber } from "../options.js";
import { randomHex } from "../platform/random.js";
import { normalisePath } from "../server/request/request-path.js";
import type { ServerRequest } from "../server/request/server-request.js";
import type { ForwardedForm } from "./forwarding-fields.js";
import { type ResolvedTunnelOptions, resolveTunnelOptions, type TunnelOptions } from "./websocket/tunnel-options.js";

/** How requests are passed on. */
export interface ProxyOptions {
  /**
   * A path such as `/api` that the origin does not know: it is taken off requests, and put back where the origin names a path of its own
   * (see {@link ProxyOptions.rewriteLocation}). Requests outside it go on to the next handler, or are 404 where there is none.
   * `UsageError` `proxy/path` unless it begins with a slash, does not end in one, and is spelt as `request.path` is.
   *
   * @default none
   */
  readonly stripPrefix?: string;
  /**
   * The path to ask the origin for, in place of the request's: it begins with a slash and has no query, or the request fails with
   * `UsageError` `proxy/path`. Not together with `stripPrefix` (`options/conflict`).
   *
   * @default the same path
   */
  readonly rewritePath?: (path: string, request: ServerRequest<unknown>) => string;
  /** Whether the origin gets the client's `Host`, and not the target's own. Names on TLS stay the target's. @default false */
  readonly keepHost?: boolean;
  /**
   * How the origin learns of the client: `Forwarded` (RFC 7239), the three `X-Forwarded-For`, `-Proto`, `-Host`, both, or not at all.
   * What the request says about that itself is continued where the application's `trustProxy` covers the peer and the field, and
   * taken out everywhere else.
   *
   * @default "x-forwarded"
   */
  readonly forwarded?: ForwardedForm;
  /**
   * The name of this proxy in `Via` (RFC 9110 §7.6.3), a token; a request that bears it already is answered 508. False writes no
   * `Via` and so sees no loop. `UsageError` `options/unknown-value` for anything else.
   *
   * @default "sluice-" and eight random digits
   */
  readonly via?: string | false;
  /**
   * Whether `Location` and `Content-Location` of answers that name the target's origin, or a path of it, are made to name the same
   * thing as clients of this proxy reach it.
   *
   * @default true
   */
  readonly rewriteLocation?: boolean;
  /** Whether the origin gets `request.id` as `X-Request-Id`, so that the logs of both name it, and not the client's own. @default false */
  readonly requestId?: boolean;
  /** Changes the fields that the origin will get, last of all: for credentials of the proxy's own, and the like. */
  readonly requestHeaders?: (headers: HttpHeaders, request: ServerRequest<unknown>) => void | Promise<void>;
  /**
   * Most bytes of a request's body, beyond it 413. Bodies are streamed and never held whole, so this protects the origin and not
   * the proxy. From 0; `UsageError` `options/out-of-range`.
   *
   * @default Infinity
   */
  readonly maxRequestSize?: number;
  /**
   * Whether WebSockets are passed on, and how; without it their handshakes are answered 501 `proxy/upgrade`. Messages are not looked at.
   *
   * @default true
   */
  readonly websocket?: boolean | TunnelOptions;
  /** Over the session's, field by field. @default the session's */
  readonly timeout?: number | TimeoutOptions;
}

/** {@link ProxyOptions}, resolved. */
export interface ResolvedProxyOptions {
  /** Without a slash at its end; empty for none. */
  readonly prefix: string;
  readonly rewritePath: ProxyOptions["rewritePath"];
  readonly keepHost: boolean;
  readonly forwarded: ForwardedForm;
  readonly via: string | undefined;
  readonly rewriteLocation: boolean;
  readonly requestId: boolean;
  readonly requestHeaders: ProxyOptions["requestHeaders"];
  readonly maxRequestSize: number;
  /** Undefined: WebSockets are not passed on. */
  readonly tunnel: ResolvedTunnelOptions | undefined;
  readonly timeout: number | TimeoutOptions | undefined;
}

const KNOWN: ReadonlySet<string> = new Set<keyof ProxyOptions>([
  "stripPrefix",
  "rewritePath",
  "keepHost",
  "forwarded",
  "via",
  "rewriteLocation",
  "requestId",
  "requestHeaders",
  "maxRequestSize",
  "websocket",
  "timeout",
]);
const FORMS: readonly ForwardedForm[] = ["x-forwarded", "forwarded", "both", "none"];
const PSEUDONYM_BYTES = 4;

/** Throws `UsageError` `options/…` or `proxy/path` for what cannot be. */
export function resolveProxyOptions(given: ProxyOptions): ResolvedProxyOptions {
  refuseUnknown("proxy", given, KNOWN);
  const { stripPrefix, rewritePath, forwarded = "x-forwarded", maxRequestSize = Number.POSITIVE_INFINITY } = given;
  if (stripPrefix !== undefined && rewritePath !== undefined) {
    throw new UsageError(
      "options/conflict",
      "Cannot use stripPrefix and rewritePath together: both decide about the path",
    );
  }
  if (rewritePath !== undefined) requireFunction("rewritePath", rewritePath);
  if (given.requestHeaders !== undefined) requireFunction("requestHeaders", given.requestHeaders);
  if (!FORMS.includes(forwarded)) throw unknownValue("forwarded", FORMS.join(", "), forwarded);
  requireNumber("maxRequestSize", maxRequestSize, 0, Number.POSITIVE_INFINITY);
  // Refused now, and not with the first request.
  mergeTimeouts(TIMEOUT_DEFAULTS, given.timeout);
  return {
    prefix: stripPrefix === undefined ? "" : checkedPrefix(stripPrefix),
    rewritePath,
    keepHost: given.keepHost ?? false,
    forwarded,
    via: pseudonym(given.via),
    rewriteLocation: given.rewriteLocation ?? true,
    requestId: given.requestId ?? false,
    requestHeaders: given.requestHeaders,
    maxRequestSize,
    tunnel: resolveTunnelOptions(given.websocket ?? true),
    timeout: given.timeout,
  };
}

function checkedPrefix(prefix: string): string {
  if (typeof prefix === "string" && /^(?:\/[^/?#\s]+)+$/.test(prefix) && isNormal(prefix)) return prefix;
  const message = `Cannot strip ${JSON.stringify(prefix)}: expected a path such as /api, spelt as request.path is`;
  throw new UsageError("proxy/path", message);
}

function isNormal(path: string): boolean {
  try {
    return normalisePath(path) === path;
  } catch {
    return false; // It has an escape that is none, or a dot segment: no request's path has.
  }
}

/** Two proxies of one name would take each other for a loop: unless it is named, each has its own. */
function pseudonym(via: string | false | undefined): string | undefined {
  if (via === undefined) return `sluice-${randomHex(PSEUDONYM_BYTES)}`;
  if (via === false) return undefined;
  if (typeof via !== "string" || !isToken(via)) throw unknownValue("via", "a token or false", via);
  return via;
}

function unknownValue(name: string, expected: string, received: unknown): UsageError {
  return new UsageError(
    "options/unknown-value",
    `Cannot use ${name}: expected ${expected}, received ${JSON.stringify(received)}`,
  );
}
