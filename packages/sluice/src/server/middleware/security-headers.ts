/**
 * Fields that ask browsers to be careful: what a page may load, who may frame it, what its links tell. For a server whose pages say
 * nothing else; what a handler sets itself stays.
 */

import { UsageError } from "../../errors.js";
import { HttpHeaders } from "../../http/headers.js";
import { refuseUnknown, requireNumber, requireObject } from "../../options.js";
import type { Middleware } from "../middleware-chain.js";
import { type CspDirectives, type CspText, compileCsp } from "./security/content-security-policy.js";

/** A policy of what pages may load and do. */
export interface CspOptions {
  /** Directives in addition to the default ones, or in place of those of the same name. @default none */
  readonly directives?: CspDirectives;
  /** Whether the default directives are there. @default true */
  readonly useDefaults?: boolean;
  /** Whether browsers only report what they would refuse. @default false */
  readonly reportOnly?: boolean;
}

/** `Strict-Transport-Security` (RFC 6797 §6.1). */
export interface HstsOptions {
  /** @default 31_536_000 (a year) */
  readonly maxAgeSeconds?: number;
  /** @default true */
  readonly includeSubDomains?: boolean;
  /** Consents to being built into browsers: hard to take back. @default false */
  readonly preload?: boolean;
}

/** Values of fields; false leaves a field out. */
export interface SecurityHeadersOptions {
  /** @default see {@link CspOptions} */
  readonly contentSecurityPolicy?: CspOptions | false;
  /** Sent over https only: over http it means nothing (RFC 6797 §7.2). @default a year, subdomains included */
  readonly strictTransportSecurity?: HstsOptions | false;
  /** @default false */
  readonly crossOriginEmbedderPolicy?: string | false;
  /** @default "same-origin" */
  readonly crossOriginOpenerPolicy?: string | false;
  /** "cross-origin" for what other sites may embed, such as images. @default "same-origin" */
  readonly crossOriginResourcePolicy?: string | false;
  /** @default "?1" */
  readonly originAgentCluster?: string | false;
  /** Such as `camera=(), geolocation=()`. @default false */
  readonly permissionsPolicy?: string | false;
  /** @default "no-referrer" */
  readonly referrerPolicy?: string | false;
  /** @default "nosniff" */
  readonly contentTypeOptions?: string | false;
  /** @default "off" */
  readonly dnsPrefetchControl?: string | false;
  /** @default "noopen" */
  readonly downloadOptions?: string | false;
  /** For browsers that do not know `frame-ancestors`. @default "SAMEORIGIN" */
  readonly frameOptions?: string | false;
  /** @default "none" */
  readonly permittedCrossDomainPolicies?: string | false;
  /** Off: the filter of old browsers made holes of its own. @default "0" */
  readonly xssProtection?: string | false;
}

type PlainOption = Exclude<keyof SecurityHeadersOptions, "contentSecurityPolicy" | "strictTransportSecurity">;

const PLAIN: Readonly<Record<PlainOption, readonly [name: string, value: string | false]>> = {
  crossOriginEmbedderPolicy: ["Cross-Origin-Embedder-Policy", false],
  crossOriginOpenerPolicy: ["Cross-Origin-Opener-Policy", "same-origin"],
  crossOriginResourcePolicy: ["Cross-Origin-Resource-Policy", "same-origin"],
  originAgentCluster: ["Origin-Agent-Cluster", "?1"],
  permissionsPolicy: ["Permissions-Policy", false],
  referrerPolicy: ["Referrer-Policy", "no-referrer"],
  contentTypeOptions: ["X-Content-Type-Options", "nosniff"],
  dnsPrefetchControl: ["X-DNS-Prefetch-Control", "off"],
  downloadOptions: ["X-Download-Options", "noopen"],
  frameOptions: ["X-Frame-Options", "SAMEORIGIN"],
  permittedCrossDomainPolicies: ["X-Permitted-Cross-Domain-Policies", "none"],
  xssProtection: ["X-XSS-Protection", "0"],
};
const OPTION_NAMES: ReadonlySet<string> = new Set([
  "contentSecurityPolicy",
  "strictTransportSecurity",
  ...Object.keys(PLAIN),
]);
const CSP_NAMES: ReadonlySet<string> = new Set<keyof CspOptions>(["directives", "useDefaults", "reportOnly"]);
const HSTS_NAMES: ReadonlySet<string> = new Set<keyof HstsOptions>(["maxAgeSeconds", "includeSubDomains", "preload"]);
const YEAR_SECONDS = 31_536_000;

/** Adds the fields to every answer, errors included. `UsageError` `options/…` for what no field can carry, or unknown. */
export function securityHeaders(options: SecurityHeadersOptions = {}): Middleware {
  requireObject("securityHeaders options", options);
  refuseUnknown("securityHeaders", options, OPTION_NAMES);
  const plain = plainFields(options);
  const policy = policyOf(options.contentSecurityPolicy ?? {});
  const hsts = hstsOf(options.strictTransportSecurity ?? {});
  return function securityHeaders(request, next) {
    request.beforeReply(({ headers }) => {
      const add = (name: string, value: string) => {
        if (!headers.has(name)) headers.append(name, value);
      };
      if (policy !== undefined) add(policy.name, policy.text(request));
      if (hsts !== undefined && request.protocol === "https") add("Strict-Transport-Security", hsts);
      for (const [name, value] of plain) add(name, value);
    });
    return next();
  };
}

function plainFields(options: SecurityHeadersOptions): readonly (readonly [string, string])[] {
  const fields: [string, string][] = [];
  for (const [option, [name, fallback]] of Object.entries(PLAIN)) {
    // The table has the options for its keys.
    const value = options[option as PlainOption] ?? fallback;
    if (value !== false) fields.push([name, value]);
  }
  // Checks what cannot be sent.
  new HttpHeaders(fields);
  return fields;
}

function policyOf(given: CspOptions | false): { readonly name: string; readonly text: CspText } | undefined {
  if (given === false) return undefined;
  requireObject("contentSecurityPolicy", given);
  refuseUnknown("contentSecurityPolicy", given, CSP_NAMES);
  const { directives = {}, useDefaults = true, reportOnly = false } = given;
  const name = reportOnly ? "Content-Security-Policy-Report-Only" : "Content-Security-Policy";
  return { name, text: compileCsp(directives, useDefaults) };
}

function hstsOf(given: HstsOptions | false): string | undefined {
  if (given === false) return undefined;
  requireObject("strictTransportSecurity", given);
  refuseUnknown("strictTransportSecurity", given, HSTS_NAMES);
  const { maxAgeSeconds = YEAR_SECONDS, includeSubDomains = true, preload = false } = given;
  requireNumber("maxAgeSeconds", maxAgeSeconds, 0, Number.MAX_SAFE_INTEGER);
  if (preload && !(includeSubDomains && maxAgeSeconds >= YEAR_SECONDS)) {
    throw new UsageError(
      "options/unknown-value",
      "Cannot use preload: browsers' lists want includeSubDomains and a maxAgeSeconds of a year",
    );
  }
  const parts = [`max-age=${Math.floor(maxAgeSeconds)}`];
  if (includeSubDomains) parts.push("includeSubDomains");
  if (preload) parts.push("preload");
  return parts.join("; ");
}
