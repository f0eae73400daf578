/** Message digests, for the layers above that are handed them. */

import { createHash, timingSafeEqual } from "node:crypto";

/** Those that HTTP authentication names (RFC 7616 §6.1), as Node calls them. */
export type HashName = "md5" | "sha256" | "sha512-256";

/** A digest that grows with what it is given. Text is one byte a character (latin1). */
export interface RunningHash {
  update(bytes: Uint8Array | string): void;
  /** The end of it, in lower-case hexadecimal digits. */
  hex(): string;
}

/** A new digest, or undefined where the platform has none of that name: builds without SHA-512/256, or MD5 under FIPS rules. */
export function tryHash(name: HashName): RunningHash | undefined {
  try {
    const hash = createHash(name);
    return {
      update: (bytes) => {
        if (typeof bytes === "string") hash.update(bytes, "latin1");
        else hash.update(bytes);
      },
      hex: () => hash.digest("hex"),
    };
  } catch {
    // The platform's way of saying that it will not.
    return undefined;
  }
}

/** Whether two texts are the same, in a time that does not tell where they differ. Their lengths are no secret. */
export function isSameSecret(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.byteLength === second.byteLength && timingSafeEqual(first, second);
}

/**
 * Whether two texts are the same, in a time that tells neither where they differ nor how long the one is that is not known:
 * what is compared are digests, of one length.
 */
export function isSameHiddenText(one: string, other: string): boolean {
  return timingSafeEqual(createHash("sha256").update(one).digest(), createHash("sha256").update(other).digest());
}
