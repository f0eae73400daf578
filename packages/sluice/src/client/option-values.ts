/**
 * Checks of option values, and the forms that the engine reads: a value out of its range, of the wrong kind or unknown is refused
 * where it is given, never met later.
 */

import { UsageError } from "../errors.js";
import type { FieldLines } from "../http1/sinks.js";
import { kindOf, requireNumber } from "../options.js";
import type { HeadersInput, OmittableHeader, ParamsInput, ResolvedTimeouts, TimeoutOptions } from "./options.js";

const PARAM_KINDS: ReadonlySet<string> = new Set(["string", "boolean", "bigint"]);
const OMITTABLE: ReadonlySet<string> = new Set<OmittableHeader>(["accept", "accept-encoding", "user-agent"]);
const REDIRECT_POLICIES: readonly string[] = ["follow", "manual", "error"];
const TIMEOUT_NAMES = ["queue", "connect", "headers", "read", "write", "attempt", "total"] as const;

/** Options that are objects, and what else each may be. */
const STRUCTURED: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    auth: ["false"],
    connector: [],
    cookies: ["false"],
    headers: [],
    hopMiddleware: [],
    middleware: [],
    multipart: [],
    omitHeaders: [],
    params: ["string"],
    proxy: ["string", "function", "false"],
    retry: ["number", "false"],
    signal: [],
    throttle: ["false"],
    timeout: ["number"],
    trace: [],
    trailers: ["function"],
  }),
);

/** Lays `given` over `base`, field by field. Throws `UsageError` for anything but a positive number of milliseconds. */
export function mergeTimeouts(base: ResolvedTimeouts, given: number | TimeoutOptions | undefined): ResolvedTimeouts {
  if (given === undefined) return base;
  const fields = typeof given === "number" ? { total: given } : given;
  const merged: { -readonly [name in keyof ResolvedTimeouts]: ResolvedTimeouts[name] } = { ...base };
  for (const name of TIMEOUT_NAMES) {
    const value = fields[name];
    if (value === undefined) continue;
    requireNumber(`timeout.${name}`, value, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
    merged[name] = value;
  }
  for (const name of Object.keys(fields)) {
    if (!(TIMEOUT_NAMES as readonly string[]).includes(name)) {
      throw new UsageError("options/unknown", `Cannot use timeout.${name}: known are ${TIMEOUT_NAMES.join(", ")}`);
    }
  }
  return merged;
}

/** Throws `UsageError` unless `policy` is one of the three that there are. */
export function requireRedirectPolicy(policy: string): void {
  if (REDIRECT_POLICIES.includes(policy)) return;
  const expected = REDIRECT_POLICIES.join(", ");
  throw new UsageError("options/out-of-range", `Cannot use redirect: expected ${expected}, received ${policy}`);
}

/** {@link refuseWrongKind} for every option of `options`. */
export function refuseWrongKinds(options: object): void {
  for (const name of Object.keys(options)) refuseWrongKind(name, options[name as keyof typeof options]);
}

/**
 * Throws `UsageError` `options/unknown-value` if the option should be an object and is not, named: types stop that, but not for
 * callers in plain JavaScript, who would meet it later as a fault of ours.
 */
export function refuseWrongKind(name: string, value: unknown): void {
  const others = STRUCTURED.get(name);
  if (others === undefined || value === undefined || (typeof value === "object" && value !== null)) return;
  if (others.includes(typeof value) || (value === false && others.includes("false"))) return;
  const received = value === null ? "null" : typeof value;
  const expected = ["object", ...others].join(" or ");
  throw new UsageError("options/unknown-value", `Cannot use ${name}: expected ${expected}, received ${received}`);
}

/** The fields to leave out, or undefined for none. Throws `UsageError` for one that cannot be left out. */
export function omittedHeaders(names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (names === undefined || names.length === 0) return undefined;
  for (const name of names) {
    if (OMITTABLE.has(name)) continue;
    const known = [...OMITTABLE].join(", ");
    throw new UsageError("options/unknown-value", `Cannot leave out the header ${name}: expected some of ${known}`);
  }
  return new Set(names);
}

/** The field lines of anything that {@link HeadersInput} allows, names as given. Throws `UsageError` `headers/value-invalid` for what is no text. */
export function fieldLinesOf(input: HeadersInput): FieldLines {
  const lines: string[] = [];
  if (Symbol.iterator in input) {
    for (const [name, value] of input as Iterable<readonly [string, unknown]>) lines.push(name, fieldText(name, value));
    return lines;
  }
  for (const [name, value] of Object.entries(input as Record<string, unknown>)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const one of value) lines.push(name, fieldText(name, one));
    else lines.push(name, fieldText(name, value));
  }
  return lines;
}

function fieldText(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  const received = kindOf(value);
  throw new UsageError("headers/value-invalid", `Cannot use header ${name}: expected a string, received ${received}`);
}

/** The pairs of anything that {@link ParamsInput} allows, in order. Throws `UsageError` `options/unknown-value` for a value of another kind. */
export function* paramPairs(input: ParamsInput): Generator<readonly [string, string]> {
  if (typeof input === "string") {
    yield* new URLSearchParams(input);
  } else if (Symbol.iterator in input) {
    for (const [name, value] of input as Iterable<readonly [string, unknown]>) yield [name, paramText(name, value)];
  } else {
    for (const [name, value] of Object.entries(input as Record<string, unknown>)) {
      if (value === undefined) continue;
      for (const one of Array.isArray(value) ? value : [value]) yield [name, paramText(name, one)];
    }
  }
}

/** "[object Object]", "null" and "NaN" are never what was meant. */
function paramText(name: string, value: unknown): string {
  const isNumber = typeof value === "number";
  if (isNumber ? Number.isFinite(value) : PARAM_KINDS.has(typeof value)) return String(value);
  const received = isNumber ? String(value) : kindOf(value);
  throw new UsageError(
    "options/unknown-value",
    `Cannot use parameter ${JSON.stringify(name)}: expected a string, a finite number, a boolean or a bigint, received ${received}`,
  );
}
