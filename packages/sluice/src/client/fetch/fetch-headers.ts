/**
 * The headers of a request as `HeadersInit` has them (Fetch §5.1): a sequence of pairs or a record, names in lower case, values
 * without whitespace around them, and the values of one name joined into one line. What cannot be sent is a `TypeError`.
 *
 * Of the names that are forbidden to pages (Fetch §2.2.2) only `host` is passed over, as in Node: it is the URL's. All others
 * (`cookie`, `origin`, `sec-` …) are the caller's to set, for no page is to be protected.
 */
import { isToken } from "../../bytes/char-tables.js";
import type { FieldLines } from "../../http1/sinks.js";

/** What a value may have around it (Fetch §2.2: HTTP whitespace bytes). */
const AROUND_VALUE = /^[\t\n\r ]+|[\t\n\r ]+$/g;
const NO_FIELDS: FieldLines = Object.freeze([]);

/** The field lines of `init`. Throws `TypeError` for anything that `new Headers(init)` refuses. */
export function fieldLinesFrom(init: unknown): string[] {
  const combined = new Map<string, string>();
  for (const [name, value] of pairsOf(init)) {
    const lower = checkedName(name);
    const normal = checkedValue(lower, value);
    if (lower === "host") continue;
    const known = combined.get(lower);
    combined.set(lower, known === undefined ? normal : `${known}${lower === "cookie" ? "; " : ", "}${normal}`);
  }
  const lines: string[] = [];
  for (const [name, value] of combined) lines.push(name, value);
  return lines;
}

/** No fields at all. */
export function noFields(): FieldLines {
  return NO_FIELDS;
}

function* pairsOf(init: unknown): Generator<readonly [string, string]> {
  if ((typeof init !== "object" && typeof init !== "function") || init === null) {
    throw new TypeError(`Cannot use headers: expected a Headers, pairs or a record, received ${String(init)}`);
  }
  if (Symbol.iterator in init) {
    for (const pair of init as Iterable<unknown>) {
      const [name, value, ...more] = typeof pair === "object" && pair !== null ? (pair as Iterable<unknown>) : [];
      if (value === undefined || more.length > 0) throw new TypeError("Cannot use headers: each member must be a pair");
      yield [String(name), String(value)];
    }
    return;
  }
  for (const name of Reflect.ownKeys(init)) {
    if (!Object.prototype.propertyIsEnumerable.call(init, name)) continue;
    if (typeof name === "symbol") throw new TypeError("Cannot use headers: a name is a symbol");
    yield [name, String((init as Readonly<Record<string, unknown>>)[name])];
  }
}

function checkedName(name: string): string {
  if (!isToken(name)) throw new TypeError(`Cannot use header ${JSON.stringify(name)}: its name is not a token`);
  return name.toLowerCase();
}

/** Never shows the value: it may be secret. */
function checkedValue(name: string, value: string): string {
  const normal = value.replace(AROUND_VALUE, "");
  for (let at = 0; at < normal.length; at += 1) {
    const code = normal.charCodeAt(at);
    if (code > 0xff) throw new TypeError(`Cannot use header ${name}: its value has a character above U+00FF`);
    if (code === 0 || code === 10 || code === 13) {
      throw new TypeError(`Cannot use header ${name}: its value has a line break or NUL`);
    }
  }
  return normal;
}
