/** Digests of files, by the names that tools which print them use. */

import { createHash } from "node:crypto";
import type { RunningHash } from "./hash.js";

/** What checksums of files are made with; the first two tell accidents, not attacks. */
export type FileHashName = "md5" | "sha1" | "sha256" | "sha384" | "sha512";

/** A new digest. Throws the platform's error where it will not: MD5 under FIPS rules. */
export function fileHash(name: FileHashName): RunningHash {
  const hash = createHash(name);
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    hex: () => hash.digest("hex"),
  };
}
