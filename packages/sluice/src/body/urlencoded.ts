/**
 * `application/x-www-form-urlencoded`, both ways, as the URL standard defines it (§5): the platform's own
 * `URLSearchParams` does the coding; here is decided what may go in, and how much may come out.
 */

import { PayloadError, UsageError } from "../errors.js";

/** One value of a form field; numbers, booleans and bigints are written as `String` does. */
export type FormValue = string | number | boolean | bigint;

/** Fields of a form, in order. A list repeats its name; undefined leaves the field out. */
export type FormInput =
  | URLSearchParams
  | Iterable<readonly [name: string, value: FormValue]>
  | { readonly [name: string]: FormValue | readonly FormValue[] | undefined };

/** Most fields accepted by {@link parseForm} if nobody says otherwise. */
export const DEFAULT_MAX_FORM_FIELDS = 1_000;

/** The encoded form. Throws `UsageError` `body/invalid-form` for a value that is none of {@link FormValue}. */
export function encodeForm(fields: FormInput): string {
  if (fields instanceof URLSearchParams) return fields.toString();
  const encoded = new URLSearchParams();
  if (Symbol.iterator in fields) {
    for (const [name, value] of fields as Iterable<readonly [string, FormValue]>)
      encoded.append(name, textOf(name, value));
    return encoded.toString();
  }
  for (const [name, given] of Object.entries(fields)) {
    if (given === undefined) continue;
    const values: readonly unknown[] = Array.isArray(given) ? given : [given];
    for (const value of values) encoded.append(name, textOf(name, value));
  }
  return encoded.toString();
}

/**
 * The fields of an encoded form. `text` is the body decoded as UTF-8; its size has been limited by whoever read it.
 * Malformed escapes stand for themselves, as in every browser. Throws `PayloadError` `body/too-many-fields` beyond
 * `maxFields` (`Infinity`: no limit).
 */
export function parseForm(text: string, maxFields = DEFAULT_MAX_FORM_FIELDS): URLSearchParams {
  const count = countFields(text, maxFields);
  if (count > maxFields) {
    throw new PayloadError("body/too-many-fields", `Cannot read the form: more than ${maxFields} fields`);
  }
  // The constructor would take a leading "?" for the mark that begins a query; here it belongs to the first name.
  return new URLSearchParams(text.startsWith("?") ? `&${text}` : text);
}

/** Non-empty fields, counted no further than one past `enough`. */
function countFields(text: string, enough: number): number {
  let count = 0;
  for (let at = 0; at < text.length && count <= enough; ) {
    const end = text.indexOf("&", at);
    const next = end === -1 ? text.length : end;
    if (next > at) count += 1;
    at = next + 1;
  }
  return count;
}

function textOf(name: string, value: unknown): string {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      if (Number.isFinite(value)) return String(value);
      throw unfit(name, String(value));
    default:
      throw unfit(name, value === null ? "null" : typeof value);
  }
}

function unfit(name: string, received: string): UsageError {
  const expected = "a string, finite number, boolean or bigint";
  return new UsageError(
    "body/invalid-form",
    `Cannot send form field ${JSON.stringify(name)}: expected ${expected}, received ${received}`,
  );
}
