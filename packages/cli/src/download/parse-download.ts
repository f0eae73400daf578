/** Values of options that only `sluice download` has. */
import { parseWholeNumber } from "../parse/whole-number.js";
import { UsageProblem } from "../usage-problem.js";

const MOST_SEGMENTS = 16;
/** Algorithms and the bytes of their digests. */
const ALGORITHMS: ReadonlyMap<string, number> = new Map([
  ["md5", 16],
  ["sha1", 20],
  ["sha256", 32],
  ["sha384", 48],
  ["sha512", 64],
]);

/** A number of connections, or `auto`. Throws `UsageProblem`. */
export function parseSegments(text: string): number | "auto" {
  if (text === "auto") return "auto";
  try {
    return parseWholeNumber(text, 1, MOST_SEGMENTS);
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    throw new UsageProblem(`expected auto or a whole number, 1 to ${MOST_SEGMENTS}, received "${text}"`);
  }
}

/** `sha256=…`, or `sha-256:…`: algorithm and digest, in hexadecimal digits or base64. Throws `UsageProblem`. */
export function parseChecksum(text: string): readonly [algorithm: string, digest: string] {
  const [, given = "", digest = ""] = /^([a-z]+-?\d+)[=:](.+)$/i.exec(text) ?? [];
  const algorithm = given.toLowerCase().replace("-", "");
  const bytes = ALGORITHMS.get(algorithm);
  const isHex = /^[0-9a-f]+$/i.test(digest) && digest.length === (bytes ?? 0) * 2;
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(digest) && Buffer.from(digest, "base64").byteLength === bytes;
  if (bytes !== undefined && (isHex || isBase64)) return [algorithm, digest];
  const known = [...ALGORITHMS.keys()].join(", ");
  throw new UsageProblem(`expected algorithm=digest (${known}; hexadecimal or base64), received "${text}"`);
}
