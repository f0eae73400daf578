/**
 * Digest authentication (RFC 7616): the password itself is never sent. What does the work is loaded with the first request, so
 * that a program that has no use for it does not pay for it.
 */
import { UsageError } from "../../../errors.js";
import { refuseUnknown, requireFunction } from "../../../options.js";
import { randomHex } from "../../../platform/random.js";
import type { ClientMiddleware } from "../../middleware.js";
import { type CredentialOrigins, type CredentialRule, credentialRule } from "./credential-rule.js";
import { checkCredentials } from "./credentials.js";
import type { DigestAlgorithm } from "./digest-challenge.js";
import type { DigestClient } from "./digest-client.js";

/** How Digest challenges are answered, and who gets answers. */
export interface DigestOptions extends CredentialOrigins {
  /** Algorithms that may be used; of those offered the strongest is. Leave out MD5 where servers can do better. @default all six */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** Whether later requests to the same protection space carry credentials unasked, which saves a round trip. @default true */
  readonly preemptive?: boolean;
  /**
   * When the body is protected as well (`qop=auth-int`), for which it is read twice. A stream, which can be read only once, never
   * is.
   * @default "when-required": the server offers nothing else
   */
  readonly integrity?: "when-required" | "when-offered";
  /**
   * Whether the server must prove that it knows the password (`rspauth` in `Authentication-Info`, RFC 7616 §3.5): a wrong proof
   * throws `AuthenticationError` `auth/server-unproven`; with "required" a missing one does, too.
   * @default "if-given"
   */
  readonly serverProof?: "ignore" | "if-given" | "required";
  /** A value that no two calls may share, of visible ASCII characters; a repeatable one in tests. @default 16 random bytes in hex */
  readonly cnonce?: () => string;
}

/** {@link DigestOptions} with nothing left open. */
export interface ResolvedDigest {
  readonly username: string;
  readonly password: string;
  readonly algorithms: ReadonlySet<DigestAlgorithm>;
  readonly preemptive: boolean;
  readonly integrity: "when-required" | "when-offered";
  readonly serverProof: "ignore" | "if-given" | "required";
  readonly cnonce: () => string;
}

const KNOWN: ReadonlySet<string> = new Set<keyof DigestOptions>([
  "algorithms",
  "preemptive",
  "integrity",
  "serverProof",
  "cnonce",
  "origins",
]);
/** All names of {@link DigestAlgorithm}. */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = [
  "MD5",
  "MD5-sess",
  "SHA-256",
  "SHA-256-sess",
  "SHA-512-256",
  "SHA-512-256-sess",
];
const CNONCE_BYTES = 16;

/**
 * A hop-stage middleware that answers Digest challenges to trusted requests. A request that is challenged is sent twice, if its
 * body can be. Throws `UsageError` `auth/username`, `auth/password`, or for options out of range.
 */
export function digestAuth(username: string, password: string, options: DigestOptions = {}): ClientMiddleware {
  return digestMiddleware(username, password, options, credentialRule("session", options));
}

/** The same with a finished rule. */
export function digestMiddleware(
  username: string,
  password: string,
  options: DigestOptions,
  mayHave: CredentialRule,
): ClientMiddleware {
  const resolved = resolve(username, password, options);
  let loading: Promise<DigestClient> | undefined;
  let middleware: ClientMiddleware | undefined;
  return async (request, next) => {
    if (!mayHave(request)) return next(request);
    loading ??= import("./digest-client.js").then((module) => new module.DigestClient(resolved));
    middleware ??= (await loading).middleware(mayHave);
    return middleware(request, next);
  };
}

function resolve(username: string, password: string, options: DigestOptions): ResolvedDigest {
  checkCredentials(username, password);
  refuseUnknown("digest", options, KNOWN);
  const { algorithms = DIGEST_ALGORITHMS, preemptive = true, integrity = "when-required" } = options;
  const { serverProof = "if-given", cnonce = () => randomHex(CNONCE_BYTES) } = options;
  for (const algorithm of algorithms) requireOneOf("digest.algorithms", algorithm, DIGEST_ALGORITHMS);
  if (algorithms.length === 0) throw outOfRange("digest.algorithms", "none", DIGEST_ALGORITHMS);
  requireOneOf("digest.integrity", integrity, ["when-required", "when-offered"]);
  requireOneOf("digest.serverProof", serverProof, ["ignore", "if-given", "required"]);
  requireFunction("digest.cnonce", cnonce);
  return { username, password, algorithms: new Set(algorithms), preemptive, integrity, serverProof, cnonce };
}

function requireOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw outOfRange(name, value, allowed);
}

function outOfRange(name: string, value: string, allowed: readonly string[]): UsageError {
  const expected = allowed.join(", ");
  return new UsageError("options/out-of-range", `Cannot use ${name}: expected ${expected}, received ${String(value)}`);
}
