/** A server's wish for Digest authentication (RFC 7616 §3.3): read from its challenges, and the strongest chosen. */
import { type Challenge, parseChallenges } from "../../../http/challenges.js";
import { type HashName, tryHash } from "../../../platform/hash.js";

/** Names of the algorithms, as they are written in fields (RFC 7616 §6.1). */
export type DigestAlgorithm = "MD5" | "MD5-sess" | "SHA-256" | "SHA-256-sess" | "SHA-512-256" | "SHA-512-256-sess";

/** What is protected by the response: the request line, or the body as well. Undefined: a server from before RFC 2617. */
export type DigestQop = "auth" | "auth-int" | undefined;

/** A challenge that can be answered. Text is one character a byte, as it was on the wire. */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: DigestAlgorithm;
  /** Whether the server named it: one that did not may not know the word. */
  readonly namesAlgorithm: boolean;
  readonly hash: HashName;
  readonly session: boolean;
  /** Never empty; `[undefined]` where the server named none. */
  readonly qops: readonly DigestQop[];
  /** The answer before was right but for its nonce, which is too old. */
  readonly stale: boolean;
  readonly userhash: boolean;
  readonly utf8: boolean;
  /** URIs that ask for the same credentials (RFC 7616 §3.3, `domain`). */
  readonly domain: readonly string[];
}

/** All algorithms by lower-case name. SHA-256 and SHA-512-256 are equally strong, and MD5 is only better than nothing. */
const ALGORITHMS: ReadonlyMap<string, { name: DigestAlgorithm; hash: HashName; session: boolean; strength: number }> =
  new Map([
    ["md5", { name: "MD5", hash: "md5", session: false, strength: 1 }],
    ["md5-sess", { name: "MD5-sess", hash: "md5", session: true, strength: 1 }],
    ["sha-256", { name: "SHA-256", hash: "sha256", session: false, strength: 2 }],
    ["sha-256-sess", { name: "SHA-256-sess", hash: "sha256", session: true, strength: 2 }],
    ["sha-512-256", { name: "SHA-512-256", hash: "sha512-256", session: false, strength: 2 }],
    ["sha-512-256-sess", { name: "SHA-512-256-sess", hash: "sha512-256", session: true, strength: 2 }],
  ]);

/** Longest realm, nonce, opaque or domain that is remembered, in characters; a challenge with a longer one is passed over. */
export const MAX_VALUE_CHARS = 4_096;
/** URIs of one `domain` that are looked at. */
const MAX_DOMAIN_URIS = 32;

/**
 * The strongest challenge of a `WWW-Authenticate` value that `allowed` algorithms can answer; of equally strong ones that which
 * the server put first (RFC 7616 §3.7). Undefined for none.
 */
export function strongestChallenge(field: string, allowed: ReadonlySet<DigestAlgorithm>): DigestChallenge | undefined {
  let best: DigestChallenge | undefined;
  let bestStrength = 0;
  for (const challenge of parseChallenges(field)) {
    const known = ALGORITHMS.get((challenge.parameters.get("algorithm") ?? "MD5").toLowerCase());
    if (known === undefined || known.strength <= bestStrength || !allowed.has(known.name)) continue;
    const read = readChallenge(challenge, known);
    if (read === undefined || tryHash(known.hash) === undefined) continue;
    best = read;
    bestStrength = known.strength;
  }
  return best;
}

function readChallenge(
  { scheme, parameters }: Challenge,
  { name, hash, session }: { name: DigestAlgorithm; hash: HashName; session: boolean },
): DigestChallenge | undefined {
  const realm = parameters.get("realm");
  const nonce = parameters.get("nonce");
  const opaque = parameters.get("opaque");
  const domain = parameters.get("domain") ?? "";
  const qops = readQops(parameters.get("qop"));
  if (scheme !== "digest" || realm === undefined || nonce === undefined || qops.length === 0) return undefined;
  if ([realm, nonce, opaque ?? "", domain].some((value) => value.length > MAX_VALUE_CHARS)) return undefined;
  return {
    realm,
    nonce,
    opaque,
    algorithm: name,
    namesAlgorithm: parameters.has("algorithm"),
    hash,
    session,
    qops,
    stale: isTrue(parameters.get("stale")),
    userhash: isTrue(parameters.get("userhash")),
    utf8: parameters.get("charset")?.toLowerCase() === "utf-8",
    domain: domain.split(" ", MAX_DOMAIN_URIS).filter((uri) => uri !== ""),
  };
}

/** Those that we know, in the server's order; of no list at all, the one way there was before (RFC 2069). */
function readQops(list: string | undefined): readonly DigestQop[] {
  if (list === undefined) return [undefined];
  const named = list.split(",").map((qop) => qop.trim().toLowerCase());
  return named.filter((qop): qop is "auth" | "auth-int" => qop === "auth" || qop === "auth-int");
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}
