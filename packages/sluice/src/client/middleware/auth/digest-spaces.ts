/**
 * What is remembered of Digest authentication: for each protection space (RFC 7616 §3.3: an origin, a realm, and the paths that
 * `domain` names) the last challenge, the nonce with its count, and H(A1). So that later requests need not be asked first.
 *
 * Of `domain` only the URIs of the same origin count: a server may not say that our credentials go elsewhere. Servers choose
 * realms; how many are remembered is bounded, and the one not used for longest goes first.
 */
import { parseUrl } from "../../../http/parse-url.js";
import type { ClientRequest } from "../../request.js";
import type { DigestChallenge } from "./digest-challenge.js";

/** A protection space, and how far its nonce has been used. */
export interface DigestSpace {
  readonly origin: string;
  /** With the nonce that is to be used next. */
  challenge: DigestChallenge;
  /** Path prefixes; empty for the whole origin. */
  readonly prefixes: readonly string[];
  /** Requests made with this nonce. */
  nonceCount: number;
  /** H(A1), and the cnonce that a `-sess` one was made with. */
  readonly secret: string;
  readonly cnonce: string | undefined;
  /** Whether the server has ever taken an answer. */
  accepted: boolean;
}

/** Spaces remembered by one middleware. */
const MAX_SPACES = 64;
/** `nc` has eight hexadecimal digits. */
const MAX_NONCE_COUNT = 0xff_ff_ff_ff;

/** See the head of this file. */
export class DigestSpaces {
  /** By origin and realm, the one used longest ago first. */
  readonly #spaces = new Map<string, DigestSpace>();

  get size(): number {
    return this.#spaces.size;
  }

  /** Remembers `space` in place of what was known of its realm. */
  remember(space: DigestSpace): void {
    const key = keyOf(space.origin, space.challenge.realm);
    this.#spaces.delete(key);
    this.#spaces.set(key, space);
    if (this.#spaces.size <= MAX_SPACES) return;
    for (const oldest of this.#spaces.keys()) {
      this.#spaces.delete(oldest);
      return;
    }
  }

  forget(space: DigestSpace): void {
    const key = keyOf(space.origin, space.challenge.realm);
    if (this.#spaces.get(key) === space) this.#spaces.delete(key);
  }

  /** What is known of a realm. */
  of(origin: string, realm: string): DigestSpace | undefined {
    return this.#spaces.get(keyOf(origin, realm));
  }

  /** The space that a request is in, as far as one can tell without asking: that with the longest prefix, then the latest. */
  find(request: ClientRequest): DigestSpace | undefined {
    const { origin, target } = request.target;
    let found: DigestSpace | undefined;
    let foundLength = -1;
    for (const space of this.#spaces.values()) {
      if (space.origin !== origin || space.nonceCount >= MAX_NONCE_COUNT) continue;
      const length = matchLength(space.prefixes, target);
      if (length >= foundLength && length >= 0) {
        found = space;
        foundLength = length;
      }
    }
    return found;
  }
}

/** The path prefixes on `request`'s origin that `domain` names. Undefined if it names URIs, but none there. */
export function prefixesOf(domain: readonly string[], request: ClientRequest): readonly string[] | undefined {
  if (domain.length === 0) return [];
  const prefixes: string[] = [];
  for (const uri of domain) {
    const url = parseUrl(uri, request.url);
    if (url?.origin === request.target.origin) prefixes.push(url.pathname + url.search);
  }
  return prefixes.length === 0 ? undefined : prefixes;
}

/** The length of the longest prefix at or above `target`, 0 where there is none to match, -1 for no match. */
function matchLength(prefixes: readonly string[], target: string): number {
  if (prefixes.length === 0) return 0;
  let longest = -1;
  for (const prefix of prefixes) {
    const next = target[prefix.length];
    const ends = prefix.endsWith("/") || next === undefined || next === "/" || next === "?";
    if (ends && target.startsWith(prefix)) longest = Math.max(longest, prefix.length);
  }
  return longest;
}

function keyOf(origin: string, realm: string): string {
  return `${origin} ${realm}`;
}
