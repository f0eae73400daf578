/** Subresource Integrity (SRI §3.3): a body is handed out only if it is one of those that the caller has named by their hash. */

/** Weakest first; of those named only the strongest counts (SRI §3.3.3). */
const ALGORITHMS = ["sha256", "sha384", "sha512"] as const;
const METADATA = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?[\x21-\x7e]*)?$/i;

/** Whether `bytes` are what `integrity` names. Metadata that cannot be understood names everything. */
export async function matchesIntegrity(bytes: Uint8Array, integrity: string): Promise<boolean> {
  const { algorithm, hashes } = strongest(integrity);
  if (hashes.size === 0) return true;
  const digest = await crypto.subtle.digest(`SHA-${algorithm.slice("sha".length)}`, bytes);
  return hashes.has(Buffer.from(digest).toString("base64"));
}

function strongest(integrity: string): { algorithm: string; hashes: ReadonlySet<string> } {
  let rank = -1;
  let hashes = new Set<string>();
  for (const token of integrity.split(/[\t\n\f\r ]+/)) {
    const [, algorithm = "", hash = ""] = METADATA.exec(token) ?? [];
    const own = ALGORITHMS.indexOf(algorithm.toLowerCase() as (typeof ALGORITHMS)[number]);
    if (own === -1 || own < rank) continue;
    if (own > rank) hashes = new Set();
    rank = own;
    hashes.add(hash.replaceAll("-", "+").replaceAll("_", "/"));
  }
  return { algorithm: ALGORITHMS[rank] ?? "", hashes };
}
