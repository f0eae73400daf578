/**
 * `HttpHeaders`: the fields of one message, asked by name (RFC 9110 §5).
 *
 * Strategy: what is kept is the flat list that the codec read, or that will be written: name, value, name, value, with order and case.
 * Wrapping it costs one object and copies nothing; looking a name up walks the list, comparing lengths before characters,
 * which for the heads of real messages is faster than making an index. From {@link INDEXED_FROM} lines on an index is made by
 * the first question and kept until the next change, so that a large head cannot make a handler quadratic.
 *
 * Behaves like WHATWG `Headers` (names in any case, values joined by ", ", `Set-Cookie` kept apart, sorted iteration), and is
 * assignable where `HeadersInit` is asked for. Stricter with values: no control character but HTAB (RFC 9110 §5.5).
 */

import { areAllIn, CR, FIELD_VALUE_CHARS, HTAB, isToken, LF, SP } from "../bytes/char-tables.js";
import { UsageError } from "../errors.js";
import { HIDDEN, isSecretField } from "./redact.js";

/** From this many lines on, looking up a name uses an index. */
const INDEXED_FROM = 24;
const SET_COOKIE = "set-cookie";
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/**
 * What a set of fields can be made of: pairs, a record, or `Headers` and `HttpHeaders` themselves. In a record an array is one
 * line for each member, and undefined is no line.
 */
export type HeadersSource =
  | Iterable<readonly string[]>
  | { readonly [name: string]: string | readonly string[] | undefined };

/** How fields read from the wire are wrapped. */
export interface FromFieldsOptions {
  /** Refuse every change with `UsageError` `headers/immutable`. @default false: the list is copied before the first change. */
  readonly immutable?: boolean;
  /** Further field names, in lower case, whose values `inspect` and JSON hide. @default none */
  readonly secretNames?: ReadonlySet<string> | undefined;
}

/** Fields of a message, in order and case as given, asked by name in any case. */
export class HttpHeaders implements Iterable<[string, string]> {
  #lines: string[];
  /** Whether `#lines` may be changed in place; otherwise it is somebody else's, and copied first. */
  #own = true;
  #immutable = false;
  #secretNames: ReadonlySet<string> | undefined = undefined;
  /** Values by lower-case name, or undefined when not made or out of date. */
  #index: Map<string, string[]> | undefined = undefined;

  /** Throws `UsageError` `headers/name-invalid` or `headers/value-invalid`. */
  constructor(source?: HeadersSource) {
    this.#lines = [];
    if (source === undefined) return;
    if (source instanceof HttpHeaders) this.#lines.push(...source.#lines);
    else this.#appendAll(source);
  }

  /**
   * Wraps `fields` (name, value, name, value), which are taken to be valid and must not change afterwards. Nothing is copied.
   */
  static fromFields(fields: readonly string[], options: FromFieldsOptions = {}): HttpHeaders {
    const headers = new HttpHeaders();
    // Never written to: `#own` is false until the list has been copied.
    headers.#lines = fields as string[];
    headers.#own = false;
    headers.#immutable = options.immutable ?? false;
    headers.#secretNames = options.secretNames;
    return headers;
  }

  /** The lines as they stand on the wire: name, value, name, value. */
  get raw(): readonly string[] {
    return this.#lines;
  }

  /** The values of all lines of this name, joined by ", " (RFC 9110 §5.3), or null. */
  get(name: string): string | null {
    const lower = lowerName(name);
    if (this.#lines.length >= INDEXED_FROM * 2) return this.#indexed().get(lower)?.join(", ") ?? null;
    const lines = this.#lines;
    let found: string | null = null;
    for (let at = 0; at < lines.length; at += 2) {
      if (!isNamed(lines[at] ?? "", lower)) continue;
      const value = lines[at + 1] ?? "";
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** The value of each line of this name, in order: for fields that are no lists, such as `Set-Cookie` (RFC 9110 §5.3). */
  getAll(name: string): string[] {
    const lower = lowerName(name);
    if (this.#lines.length >= INDEXED_FROM * 2) return [...(this.#indexed().get(lower) ?? [])];
    const values: string[] = [];
    for (let at = 0; at < this.#lines.length; at += 2) {
      if (isNamed(this.#lines[at] ?? "", lower)) values.push(this.#lines[at + 1] ?? "");
    }
    return values;
  }

  /** The value of each `Set-Cookie` line: their commas make it the one field that cannot be joined (RFC 9110 §5.3). */
  getSetCookie(): string[] {
    return this.getAll(SET_COOKIE);
  }

  /** True if there is a line of this name. */
  has(name: string): boolean {
    const lower = lowerName(name);
    if (this.#lines.length >= INDEXED_FROM * 2) return this.#indexed().has(lower);
    for (let at = 0; at < this.#lines.length; at += 2) {
      if (isNamed(this.#lines[at] ?? "", lower)) return true;
    }
    return false;
  }

  /** Adds a line at the end. Whitespace around the value is dropped. Throws `UsageError` if it is invalid, or we are immutable. */
  append(name: string, value: string): void {
    assertName(name);
    const normal = normalValue(name, value);
    this.#change().push(name, normal);
  }

  /** Makes this the only line of its name: in the place of the first, or at the end. Throws `UsageError` as `append` does. */
  set(name: string, value: string): void {
    assertName(name);
    const normal = normalValue(name, value);
    const lower = name.toLowerCase();
    const lines = this.#change();
    let kept = -1;
    for (let at = 0; at < lines.length && kept === -1; at += 2) {
      if (isNamed(lines[at] ?? "", lower)) kept = at;
    }
    if (kept === -1) {
      lines.push(name, normal);
      return;
    }
    lines[kept] = name;
    lines[kept + 1] = normal;
    removeNamed(lines, lower, kept + 2);
  }

  /** Removes all lines of this name. Throws `UsageError` if we are immutable. */
  delete(name: string): void {
    const lower = lowerName(name);
    removeNamed(this.#change(), lower, 0);
  }

  /** Calls with value, name and this, in the order of iteration. */
  forEach(callback: (value: string, name: string, headers: HttpHeaders) => void, thisArgument?: unknown): void {
    for (const [name, value] of this) callback.call(thisArgument, value, name, this);
  }

  /** Names, in the order of iteration. */
  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  /** Values, in the order of iteration. */
  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  /** The same as iterating. */
  entries(): IterableIterator<[string, string]> {
    return this[Symbol.iterator]();
  }

  /** Lower-case names in sorted order with their joined values; each `Set-Cookie` by itself. What was there at the start. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    const index = this.#indexed();
    for (const name of [...index.keys()].sort()) {
      const values = index.get(name) ?? [];
      if (name === SET_COOKIE) for (const value of values) yield [name, value];
      else yield [name, values.join(", ")];
    }
  }

  /** A plain record by lower-case name; `Set-Cookie` as a list; secret values hidden. */
  toJSON(): Record<string, string | string[]> {
    // No prototype: a field may be called "__proto__".
    const shown: Record<string, string | string[]> = Object.create(null);
    for (const [name, values] of this.#indexed()) {
      const visible = isSecretField(name, this.#secretNames) ? values.map(() => HIDDEN) : values;
      shown[name] = name === SET_COOKIE ? visible : visible.join(", ");
    }
    return shown;
  }

  /** What `console.log` shows: as JSON does, without secrets. */
  [INSPECT](depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    if (depth < 0) return "[HttpHeaders]";
    return `HttpHeaders ${inspect({ ...this.toJSON() }, options)}`;
  }

  #appendAll(source: HeadersSource): void {
    if (Symbol.iterator in source) {
      for (const pair of source as Iterable<readonly string[]>) {
        const [name, value] = pair;
        if (name === undefined || value === undefined || pair.length !== 2) {
          throw new UsageError("headers/pair-invalid", "Cannot make headers: each member must be a name and a value");
        }
        this.append(name, value);
      }
      return;
    }
    for (const [name, given] of Object.entries(source)) {
      if (given === undefined) continue;
      if (typeof given === "string") this.append(name, given);
      else for (const value of given) this.append(name, value);
    }
  }

  /** The list, ready to be changed. */
  #change(): string[] {
    if (this.#immutable) throw new UsageError("headers/immutable", "Cannot change headers: these were received");
    if (!this.#own) {
      this.#lines = [...this.#lines];
      this.#own = true;
    }
    this.#index = undefined;
    return this.#lines;
  }

  /** Values by lower-case name, in the order of their lines. O(lines) once, then O(1) until something changes. */
  #indexed(): Map<string, string[]> {
    if (this.#index !== undefined) return this.#index;
    const index = new Map<string, string[]>();
    for (let at = 0; at < this.#lines.length; at += 2) {
      const name = (this.#lines[at] ?? "").toLowerCase();
      const values = index.get(name);
      if (values === undefined) index.set(name, [this.#lines[at + 1] ?? ""]);
      else values.push(this.#lines[at + 1] ?? "");
    }
    this.#index = index;
    return index;
  }
}

/** Lengths first: they settle most comparisons, and the lower-case copy is made for the few that are left. */
function isNamed(name: string, lower: string): boolean {
  return name.length === lower.length && (name === lower || name.toLowerCase() === lower);
}

/** One pass, however many there are. */
function removeNamed(lines: string[], lower: string, start: number): void {
  let kept = start;
  for (let at = start; at < lines.length; at += 2) {
    const name = lines[at] ?? "";
    if (isNamed(name, lower)) continue;
    lines[kept] = name;
    lines[kept + 1] = lines[at + 1] ?? "";
    kept += 2;
  }
  lines.length = kept;
}

function lowerName(name: string): string {
  assertName(name);
  return name.toLowerCase();
}

function assertName(name: string): void {
  if (typeof name === "string" && isToken(name)) return;
  throw new UsageError("headers/name-invalid", `Cannot use header ${JSON.stringify(name)}: its name is not a token`);
}

/** Whitespace around a value is no part of it (RFC 9110 §5.5); WHATWG `Headers` drops line ends there too. */
function normalValue(name: string, value: string): string {
  if (typeof value !== "string") {
    throw new UsageError("headers/value-invalid", `Cannot use header ${name}: its value is not a string`);
  }
  const normal = trimHttpWhitespace(value);
  if (areAllIn(FIELD_VALUE_CHARS, normal)) return normal;
  throw new UsageError(
    "headers/value-invalid",
    `Cannot use header ${name}: its value has a control character or one above U+00FF; encode it first`,
  );
}

function trimHttpWhitespace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isHttpWhitespace(value.charCodeAt(start))) start += 1;
  while (end > start && isHttpWhitespace(value.charCodeAt(end - 1))) end -= 1;
  return value.substring(start, end);
}

function isHttpWhitespace(code: number): boolean {
  return code === SP || code === HTAB || code === CR || code === LF;
}
