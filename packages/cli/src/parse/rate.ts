import { UsageProblem } from "../usage-problem.js";

const MS_PER_UNIT = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** So many requests in so many milliseconds. */
export interface Rate {
  readonly requests: number;
  readonly per: number;
}

/** `10`, `10/s`, `600/m`, `0.5/s`, `100/h`; above 0. Throws `UsageProblem`. */
export function parseRate(text: string): Rate {
  const found = /^(\d{1,9}(?:\.\d{1,6})?)(?:\/([smh]))?$/.exec(text);
  const requests = Number(found?.[1] ?? 0);
  if (requests > 0) return { requests, per: MS_PER_UNIT[(found?.[2] ?? "s") as keyof typeof MS_PER_UNIT] };
  throw new UsageProblem(`expected a rate such as 10/s or 600/m, received "${text}"`);
}
