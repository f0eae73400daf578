/** Refusals of options that types do not stop, for callers in plain JavaScript: a misspelt limit must not leave its default in force. */

import { UsageError } from "./errors.js";

/** Names, as keys of a set or a map. */
export interface Names {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

/** Throws `UsageError` `options/unknown` for the first key of `given` that is not in `known`; `what` is whose options they are. */
export function refuseUnknown(what: string, given: object, known: Names): void {
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue;
    throw new UsageError(
      "options/unknown",
      `Cannot use ${what} option "${name}": known are ${[...known.keys()].join(", ")}`,
    );
  }
}

/** Throws `UsageError` `options/unknown-value` unless `value` is a function. */
export function requireFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new UsageError("options/unknown-value", `Cannot use ${name}: expected a function, received ${kindOf(value)}`);
}

/** Throws `UsageError` `options/unknown-value` unless `value` is an object, such as one of options. */
export function requireObject(name: string, value: unknown): void {
  if (typeof value === "object" && value !== null) return;
  throw new UsageError("options/unknown-value", `Cannot use ${name}: expected an object, received ${kindOf(value)}`);
}

/** Throws `UsageError` `options/unknown-value` unless `value` is one of `known`. */
export function requireOneOf(name: string, value: unknown, known: readonly unknown[]): void {
  if (known.includes(value)) return;
  const received = typeof value === "string" ? JSON.stringify(value) : kindOf(value);
  const expected = known.map((one) => JSON.stringify(one)).join(", ");
  throw new UsageError(
    "options/unknown-value",
    `Cannot use ${name}: expected one of ${expected}, received ${received}`,
  );
}

/** Throws `UsageError` `options/out-of-range` unless `value` is a number from `least` to `most`. */
export function requireNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === "number" && value >= least && value <= most) return;
  const range = least === Number.MIN_VALUE ? `more than 0` : `${least} to ${most}`;
  throw new UsageError(
    "options/out-of-range",
    `Cannot use ${name}: expected a number, ${range}, received ${String(value)}`,
  );
}

/** What a value is, as messages say it. */
export function kindOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}
