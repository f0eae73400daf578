/** Digests of content that passes by piece by piece. */

import { createHash } from "node:crypto";

/** A digest that grows with what it is given. */
export interface RunningDigest {
  update(bytes: Uint8Array): void;
  /** The end of it. */
  bytes(): Uint8Array;
}

/** A new digest by the name that Node has for it, such as `sha256`. Throws Node's error for one that it does not have. */
export function startDigest(algorithm: string): RunningDigest {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    bytes: () => hash.digest(),
  };
}
