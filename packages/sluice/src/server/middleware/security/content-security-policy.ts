/**
 * Content Security Policy, level 3: from directives to the text of the field. What browsers pass over in silence, so that a policy
 * protects less than it says, is refused here: keywords without quotes, separators in values, names that are none.
 */

import { UsageError } from "../../../errors.js";
import { randomHex } from "../../../platform/random.js";
import type { ServerRequest } from "../../request/server-request.js";

/** Stands in a directive for the nonce of the request at hand; see {@link cspNonce}. */
export const CSP_NONCE = "'nonce-{request}'";

/**
 * Sources by directive: `{ "script-src": ["'self'", CSP_NONCE] }`. No sources for directives without any, false to leave a default one
 * out.
 */
export type CspDirectives = Readonly<Record<string, readonly string[] | false>>;

/** A policy's text for one request. */
export type CspText = (request: ServerRequest) => string;

/** What pages need that load things from their own site only, and nothing inline but styles. */
const DEFAULTS: CspDirectives = {
  "default-src": ["'self'"],
  "base-uri": ["'self'"],
  "font-src": ["'self'", "https:", "data:"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'self'"],
  "img-src": ["'self'", "data:"],
  "object-src": ["'none'"],
  "script-src": ["'self'"],
  "script-src-attr": ["'none'"],
  "style-src": ["'self'", "https:", "'unsafe-inline'"],
  "upgrade-insecure-requests": [],
};
/** Says nothing to a page that came without TLS, but makes one on a developer's machine ask for what is not there. */
const UPGRADE = "upgrade-insecure-requests";
const DIRECTIVE_NAME = /^[a-z][a-z-]*$/;
const SOURCE = /^[!-+\--:<-~]+$/;
const UNQUOTED =
  /^(?:self|none|unsafe-inline|unsafe-eval|unsafe-hashes|wasm-unsafe-eval|strict-dynamic|report-sample|nonce-.*|sha(?:256|384|512)-.*)$/;
const NONCE_BYTES = 16;

const nonces = new WeakMap<ServerRequest, string>();

/** The nonce of this request, for the scripts and styles of its page: the same however often it is asked for, never the same for two. */
export function cspNonce(request: ServerRequest): string {
  let nonce = nonces.get(request);
  if (nonce === undefined) {
    nonce = randomHex(NONCE_BYTES);
    nonces.set(request, nonce);
  }
  return nonce;
}

/** Checks and writes out a policy, as far as it does not depend on the request. Throws `UsageError` `options/unknown-value`. */
export function compileCsp(given: CspDirectives, useDefaults: boolean): CspText {
  const directives = { ...(useDefaults ? DEFAULTS : {}), ...given };
  const secure = join(directives, undefined);
  const plain = join(directives, UPGRADE);
  const pieces = (text: string) => text.split("{request}");
  const [securePieces, plainPieces] = [pieces(secure), pieces(plain)];
  if (securePieces.length === 1) return (request) => (request.protocol === "https" ? secure : plain);
  return (request) => (request.protocol === "https" ? securePieces : plainPieces).join(cspNonce(request));
}

function join(directives: CspDirectives, without: string | undefined): string {
  const parts: string[] = [];
  for (const [name, sources] of Object.entries(directives)) {
    if (!DIRECTIVE_NAME.test(name)) throw unusable(name, "a directive is called like script-src");
    if (sources === false || name === without) continue;
    for (const source of sources) requireSource(name, source);
    parts.push([name, ...sources].join(" "));
  }
  return parts.join("; ");
}

function requireSource(directive: string, source: string): void {
  if (typeof source !== "string" || !SOURCE.test(source)) {
    throw unusable(
      directive,
      `${JSON.stringify(source)} is empty or has spaces, separators or other characters than ASCII`,
    );
  }
  if (UNQUOTED.test(source)) throw unusable(directive, `${source} is a host unless it is in quotes: '${source}'`);
}

function unusable(directive: string, why: string): UsageError {
  return new UsageError("options/unknown-value", `Cannot use ${directive} in a content security policy: ${why}`);
}
