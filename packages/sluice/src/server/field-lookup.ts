/** Looking up single field lines of a request without making a header object: what the hot path asks for, it asks for once. */

import type { FieldLines } from "../http1/sinks.js";

/** The value of the last line named `name` (lower case), or undefined. For fields that are single by definition. */
export function findField(fields: FieldLines, name: string): string | undefined {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    if (isNamed(fields[index], name)) return fields[index + 1];
  }
  return undefined;
}

/** All values of `name` (lower case) as one list (RFC 9110 §5.3), or undefined. */
export function joinField(fields: FieldLines, name: string, separator = ", "): string | undefined {
  let joined: string | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    if (!isNamed(fields[index], name)) continue;
    const value = fields[index + 1] ?? "";
    joined = joined === undefined ? value : `${joined}${separator}${value}`;
  }
  return joined;
}

function isNamed(field: string | undefined, name: string): boolean {
  return field !== undefined && field.length === name.length && (field === name || field.toLowerCase() === name);
}
