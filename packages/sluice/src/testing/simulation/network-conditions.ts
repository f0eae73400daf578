/** What a simulated network is like, as options: how late, in which pieces, and how often what goes wrong. */

import { UsageError } from "../../errors.js";
import { refuseUnknown, requireNumber } from "../../options.js";

/** A number, or any between two, drawn anew each time. */
export type SimulatedRange = number | readonly [least: number, most: number];

/** Chances are from 0 (never) to 1 (always), and drawn for each piece of bytes unless they say otherwise. */
export interface NetworkConditions {
  /** Milliseconds that a piece takes, one way; connecting takes two ways, TLS four, DNS one. @default 1 */
  readonly latency?: SimulatedRange;
  /** Bytes a second in each direction of a connection, from 1. @default Infinity */
  readonly bandwidth?: number;
  /** Chance that what was written at once arrives in several pieces, cut anywhere. @default 0 */
  readonly splits?: number;
  /** Chance that a piece waits for the one after it, and both arrive as one. @default 0 */
  readonly joins?: number;
  /** Chance that a piece, or a connection that is being made, is held up for `stallTime`. @default 0 */
  readonly stalls?: number;
  /** Milliseconds of a stall. @default [1_000, 60_000] */
  readonly stallTime?: SimulatedRange;
  /** Chance that the connection is reset in place of a piece. @default 0 */
  readonly resets?: number;
  /** Chance that one direction ends (FIN) in place of a piece, while the other goes on. @default 0 */
  readonly halfCloses?: number;
  /** Chance that a connection is refused. @default 0 */
  readonly refusals?: number;
  /** Chance that a name is not found, for each connection. @default 0 */
  readonly dnsFailures?: number;
}

/** The same, complete. */
export type ResolvedConditions = {
  readonly [name in keyof NetworkConditions]-?: NonNullable<NetworkConditions[name]>;
};

/** A quiet network, nearby. */
export const CALM = Object.freeze<ResolvedConditions>({
  latency: 1,
  bandwidth: Number.POSITIVE_INFINITY,
  splits: 0,
  joins: 0,
  stalls: 0,
  stallTime: [1_000, 60_000],
  resets: 0,
  halfCloses: 0,
  refusals: 0,
  dnsFailures: 0,
});

const RANGES = ["latency", "stallTime"] as const;
const CHANCES = ["splits", "joins", "stalls", "resets", "halfCloses", "refusals", "dnsFailures"] as const;
const KNOWN: ReadonlySet<string> = new Set(Object.keys(CALM));

/** Lays `given` over `base`. Throws `UsageError`: `options/unknown`, `options/out-of-range`. */
export function resolveConditions(base: ResolvedConditions, given: NetworkConditions): ResolvedConditions {
  refuseUnknown("network", given, KNOWN);
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const resolved: ResolvedConditions = { ...base, ...defined };
  for (const name of CHANCES) requireNumber(`network.${name}`, resolved[name], 0, 1);
  for (const name of RANGES) requireRange(`network.${name}`, resolved[name]);
  requireNumber("network.bandwidth", resolved.bandwidth, 1, Number.POSITIVE_INFINITY);
  return resolved;
}

/** A number within `range`. */
export function draw(range: SimulatedRange, random: () => number): number {
  if (typeof range === "number") return range;
  const [least, most] = range;
  return least + (most - least) * random();
}

function requireRange(name: string, range: SimulatedRange): void {
  const [least, most] = typeof range === "number" ? [range, range] : range;
  requireNumber(name, least, 0, Number.MAX_VALUE);
  requireNumber(name, most, 0, Number.MAX_VALUE);
  if (least <= most) return;
  throw new UsageError("options/out-of-range", `Cannot use ${name}: its bounds are ${least} and ${most}`);
}
