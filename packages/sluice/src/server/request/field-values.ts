/** Names and values (a query, a form) as the one object that a schema checks. */

import { requireObject } from "../../options.js";

/** How names with several values become an object. */
export interface FieldValuesOptions {
  /**
   * Names whose value is an array however often they occur, absent ones included: then it is empty. Any other name's value is the
   * value itself where it occurs once, and an array where it occurs several times. @default none
   */
  readonly lists?: readonly string[];
}

/**
 * The values by name, in the order of their first occurrence. Own properties all of them, so that no name (`__proto__`) means
 * anything but itself.
 */
export function valuesByName<Value extends string | object>(
  pairs: Iterable<readonly [name: string, value: Value]>,
  lists: readonly string[] = [],
): Record<string, Value | Value[]> {
  requireObject("lists", lists);
  const values = new Map<string, Value | Value[]>(lists.map((name) => [name, []]));
  for (const [name, value] of pairs) {
    const earlier = values.get(name);
    if (earlier === undefined) values.set(name, value);
    else if (Array.isArray(earlier)) earlier.push(value);
    else values.set(name, [earlier, value]);
  }
  return Object.fromEntries(values);
}
