/**
 * The arithmetic of Digest authentication (RFC 7616 §3.4): pure, all text one character a byte.
 *
 *   A1       = user : realm : password            KD = H(H(A1) : nonce : nc : cnonce : qop : H(A2))
 *   A1 -sess = H(A1) : nonce : cnonce
 *   A2       = method : uri [: H(body)]           of the server's own proof: : uri [: H(body)]
 */
import { quoteString } from "../../../http/parameters.js";
import { type HashName, tryHash } from "../../../platform/hash.js";
import type { DigestChallenge, DigestQop } from "./digest-challenge.js";

/** Who answers, one character a byte. */
export interface DigestUser {
  readonly nameBytes: string;
  readonly passwordBytes: string;
}

/** What one answer is about. */
export interface DigestRequest {
  readonly method: string;
  /** The request-target as it is sent (RFC 7616 §3.4.6). */
  readonly uri: string;
  readonly qop: DigestQop;
  /** Counts from 1 with each nonce. */
  readonly nonceCount: number;
  readonly cnonce: string;
  /** H(body) for `auth-int`. */
  readonly bodyHash: string | undefined;
}

/** The hash of a text. Asked for only where the platform has it: see `strongestChallenge`. */
export function hashText(name: HashName, text: string): string {
  const hash = tryHash(name);
  if (hash === undefined) throw new Error(`There is no ${name} here`);
  hash.update(text);
  return hash.hex();
}

/** H(A1): what a password comes down to in a realm, and for `-sess` in the time of one nonce (RFC 7616 §3.4.2). */
export function secretOf(challenge: DigestChallenge, user: DigestUser, cnonce: string): string {
  const { hash, realm, nonce, session } = challenge;
  const secret = hashText(hash, `${user.nameBytes}:${realm}:${user.passwordBytes}`);
  return session ? hashText(hash, `${secret}:${nonce}:${cnonce}`) : secret;
}

/** The response (RFC 7616 §3.4.1). `method` empty: the server's proof, `rspauth` (§3.5). */
export function responseOf(challenge: DigestChallenge, secret: string, request: DigestRequest): string {
  const { hash, nonce } = challenge;
  const { method, uri, qop, nonceCount, cnonce, bodyHash } = request;
  const subject = qop === "auth-int" ? `${method}:${uri}:${bodyHash}` : `${method}:${uri}`;
  const subjectHash = hashText(hash, subject);
  if (qop === undefined) return hashText(hash, `${secret}:${nonce}:${subjectHash}`);
  return hashText(hash, `${secret}:${nonce}:${writeCount(nonceCount)}:${cnonce}:${qop}:${subjectHash}`);
}

/** The `Authorization` value (RFC 7616 §3.4). Which parameters are quoted is said there, and servers insist on it. */
export function writeCredentials(
  challenge: DigestChallenge,
  user: DigestUser,
  secret: string,
  request: DigestRequest,
): string {
  const { qop, nonceCount, cnonce, uri } = request;
  const parts = [writeName(challenge, user), `realm=${quoted(challenge.realm)}`, `nonce=${quoted(challenge.nonce)}`];
  parts.push(`uri=${quoted(uri)}`, `response="${responseOf(challenge, secret, request)}"`);
  if (challenge.namesAlgorithm) parts.push(`algorithm=${challenge.algorithm}`);
  if (qop !== undefined) parts.push(`qop=${qop}`, `nc=${writeCount(nonceCount)}`);
  if (qop !== undefined || challenge.session) parts.push(`cnonce=${quoted(cnonce)}`);
  if (challenge.opaque !== undefined) parts.push(`opaque=${quoted(challenge.opaque)}`);
  if (challenge.userhash) parts.push("userhash=true");
  return `Digest ${parts.join(", ")}`;
}

/** Hashed, or extended where it is more than ASCII and the server knows UTF-8, or else its bytes as they are (RFC 7616 §3.4). */
function writeName({ userhash, utf8, hash, realm }: DigestChallenge, { nameBytes }: DigestUser): string {
  if (userhash) return `username="${hashText(hash, `${nameBytes}:${realm}`)}"`;
  if (utf8 && /[^\x20-\x7e]/.test(nameBytes)) return `username*=UTF-8''${percentEncoded(nameBytes)}`;
  return `username=${quoted(nameBytes)}`;
}

/** `ext-value` of RFC 8187 §3.2.1, all but letters, digits and a few marks encoded. */
function percentEncoded(bytes: string): string {
  return bytes.replace(/[^A-Za-z0-9!#$&+\-.^_`|~]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
}

/** What came in a field, or was checked before, can go into one. */
function quoted(text: string): string {
  return quoteString(text) ?? '""';
}

function writeCount(nonceCount: number): string {
  return nonceCount.toString(16).padStart(8, "0");
}
