/**
 * Digests of content in fields (RFC 9530): `Repr-Digest` and `Content-Digest`, dictionaries of byte sequences (RFC 9651 §3.2), and what
 * is asked for with `Want-Repr-Digest`. Algorithms that nobody should rely on (§5: md5, sha, unixsum …) are left out.
 */

/** Those of the registry that stand for the same bytes (RFC 9530 §5), as they are spelt in fields. */
export type DigestAlgorithm = "sha-256" | "sha-512";

/** Digests in base64, by algorithm. */
export type FieldDigests = ReadonlyMap<DigestAlgorithm, string>;

/** Asks for either, the shorter one rather (RFC 9530 §4). */
export const WANT_DIGEST = "sha-256=10, sha-512=5";

/** One member: a key, a byte sequence between colons, parameters that say nothing to us. */
const MEMBER = /^\s*([a-z*][a-z0-9_.*-]*)\s*=\s*:([A-Za-z0-9+/=]*):\s*(?:;.*)?$/;
/** Base64 of 32 and of 64 bytes, padding included. */
const LENGTHS: Readonly<Record<DigestAlgorithm, number>> = { "sha-256": 44, "sha-512": 88 };

/**
 * The digests that a `Repr-Digest` or `Content-Digest` value names. A member that is malformed, or of another length than its algorithm
 * gives, is left out: what cannot be compared proves nothing. O(n).
 */
export function readFieldDigests(value: string | null | undefined): FieldDigests {
  const digests = new Map<DigestAlgorithm, string>();
  for (const member of value?.split(",") ?? []) {
    const [, name = "", encoded = ""] = MEMBER.exec(member) ?? [];
    if (isKnown(name) && encoded.length === LENGTHS[name]) digests.set(name, encoded);
  }
  return digests;
}

function isKnown(name: string): name is DigestAlgorithm {
  return Object.hasOwn(LENGTHS, name);
}
