import { UsageProblem } from "../usage-problem.js";

const KIB = 1024;
const BYTES_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ["kb", 1_000],
  ["mb", 1_000_000],
  ["gb", 1_000_000_000],
  ["k", KIB],
  ["m", KIB ** 2],
  ["g", KIB ** 3],
  ["kib", KIB],
  ["mib", KIB ** 2],
  ["gib", KIB ** 3],
]);

/** Whole bytes, 1 or more: `500`, `64KiB`, `10MB`; a bare `k`, `m` or `g` is binary, as curl has it. Throws `UsageProblem`. */
export function parseSize(text: string): number {
  const found = /^(\d{1,12}(?:\.\d{1,6})?)([a-z]{0,3})$/i.exec(text);
  const unit = BYTES_PER_UNIT.get(found?.[2]?.toLowerCase() ?? "");
  const bytes = found === null || unit === undefined ? 0 : Math.floor(Number(found[1]) * unit);
  if (bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  throw new UsageProblem(`expected a size such as 64KiB or 10MB, received "${text}"`);
}
