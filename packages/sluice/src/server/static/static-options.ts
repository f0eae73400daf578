/** What `app.static` and `reply.file` can be told, and the one place where it is checked and completed. */

import { UsageError } from "../../errors.js";
import { type HeadersSource, HttpHeaders } from "../../http/headers.js";
import { parseMediaType } from "../../http/media-type.js";
import type { FieldLines } from "../../http1/sinks.js";
import { assertFieldValue } from "../../http1/write-head.js";
import { refuseUnknown, requireObject } from "../../options.js";
import type { LinkPolicy } from "../../platform/folder.js";
import type { TypesByEnding } from "./media-types.js";

/** The codings of precompressed siblings: `app.js.br`, `app.js.zst`, `app.js.gz`. */
export type SiblingCoding = "br" | "zstd" | "gzip";

/** How files are kept in memory; sizes are bytes, times milliseconds. Anything out of range is `options/out-of-range`. */
export interface StaticMemory {
  /**
   * Larger files are not kept, but read anew for each answer. Up to this size the `ETag` is a digest of the content. From 0, no
   * `Infinity`.
   *
   * @default 262_144 (256 KiB)
   */
  readonly maxFileSize?: number;
  /**
   * All that is kept together, with a kilobyte for each file beside its content; what was not asked for longest goes first. From 0;
   * 0 keeps nothing.
   *
   * @default 33_554_432 (32 MiB)
   */
  readonly maxSize?: number;
  /**
   * How long an answer is given without looking at the file again: no client gets what is older. From 0, which looks each time.
   *
   * @default 1_000
   */
  readonly recheckAfter?: number;
}

/** Options of {@link Application.static}. */
export interface StaticOptions {
  /** Answers the path of a folder with the first of these files that it has; `false` for none. @default "index.html" */
  readonly index?: string | readonly string[] | false;
  /** Answers the path of a folder without an index file with a list of what is in it, to be read by people or as JSON. @default false */
  readonly listing?: boolean;
  /**
   * For single-page applications: the file, named from the folder, that answers navigations (a browser that asks for a page) to
   * paths where nothing is. Scripts, images and requests of programs still get their 404. @default none
   */
  readonly fallback?: string;
  /**
   * Sends `name.br`, `name.zst` or `name.gz` in place of `name` to clients that take the coding (RFC 9110 §12.5.3): the smallest of
   * those they like best. One that is larger, or older by a second, than its original is passed over. @default false
   */
  readonly precompressed?: boolean | readonly SiblingCoding[];
  /** `Cache-Control: max-age`, in seconds. From 0 to 2^31 - 1. @default none: `no-cache`, a copy is asked about each time */
  readonly maxAgeSeconds?: number;
  /**
   * Which files never change under their name, because it has a digest in it: all, or those whose path behind the prefix matches.
   * Sent with `immutable` and a year, if `maxAgeSeconds` says nothing else. @default false
   */
  readonly immutable?: boolean | RegExp;
  /** `hide` has names that begin with a dot not be there, but for `/.well-known/` (RFC 8615). @default "hide" */
  readonly dotfiles?: "hide" | "serve";
  /** Symbolic links: those that stay in the folder, all, or none. @default "inside" */
  readonly links?: LinkPolicy;
  /** Tried, in order, behind paths where nothing is: `["html"]` has `/about` answered by `about.html`. @default none */
  readonly extensions?: readonly string[];
  /** Media types by the ending of a name, such as `{ md: "text/markdown; charset=utf-8" }`; the usual ones are known. */
  readonly types?: Readonly<Record<string, string>>;
  /** Field lines of every answer with a file, in place of ours where they have the same names. */
  readonly headers?: HeadersSource;
  /** What is kept in memory. */
  readonly memory?: StaticMemory;
}

/** The same, checked and complete. */
export interface ResolvedStaticOptions {
  readonly index: readonly string[];
  readonly listing: boolean;
  readonly fallback: string | undefined;
  readonly precompressed: readonly SiblingCoding[];
  readonly cacheControl: string;
  readonly immutable: (path: string) => boolean;
  readonly immutableControl: string;
  readonly dotfiles: boolean;
  readonly links: LinkPolicy;
  readonly extensions: readonly string[];
  readonly types: TypesByEnding;
  readonly fields: FieldLines;
  readonly memory: Readonly<Required<StaticMemory>>;
}

/** Defaults of {@link StaticMemory}. */
export const STATIC_MEMORY: Readonly<Required<StaticMemory>> = Object.freeze({
  maxFileSize: 256 * 1024,
  maxSize: 32 * 1024 * 1024,
  recheckAfter: 1_000,
});

const NAMES: ReadonlySet<string> = new Set([
  ...["index", "listing", "fallback", "precompressed", "maxAgeSeconds", "immutable", "dotfiles", "links"],
  ...["extensions", "types", "headers", "memory"],
]);
const MEMORY_NAMES: ReadonlySet<string> = new Set(Object.keys(STATIC_MEMORY));
const CODINGS: readonly SiblingCoding[] = ["br", "zstd", "gzip"];
const LINK_POLICIES: readonly LinkPolicy[] = ["inside", "follow", "refuse"];
const LARGEST_FILE = 2 ** 30;
const LARGEST_AGE = 2 ** 31 - 1;
const YEAR_SECONDS = 31_536_000;

/** Checks and completes. Throws `UsageError` `options/…` for what is out of range, of the wrong kind, or unknown. */
export function resolveStaticOptions(given: StaticOptions): ResolvedStaticOptions {
  requireObject("static options", given);
  refuseUnknown("static", given, NAMES);
  const { index = "index.html", fallback, maxAgeSeconds, headers } = given;
  return Object.freeze({
    index: index === false ? [] : namesOf("index", typeof index === "string" ? [index] : index),
    listing: flag("listing", given.listing ?? false),
    fallback: fallback === undefined ? undefined : pathOf(fallback),
    precompressed: codingsOf(given.precompressed ?? false),
    cacheControl: maxAgeSeconds === undefined ? "no-cache" : `max-age=${age(maxAgeSeconds)}`,
    immutable: matcher(given.immutable ?? false),
    immutableControl: `max-age=${age(maxAgeSeconds ?? YEAR_SECONDS)}, immutable`,
    dotfiles: oneOf("dotfiles", given.dotfiles ?? "hide", ["hide", "serve"]) === "serve",
    links: oneOf("links", given.links ?? "inside", LINK_POLICIES),
    extensions: namesOf("extensions", given.extensions ?? []).map((name) => name.replace(/^\./, "")),
    types: typesOf(given.types ?? {}),
    fields: headers === undefined ? [] : new HttpHeaders(headers).raw,
    memory: resolveMemory(given.memory ?? {}),
  });
}

/** Media types by ending, checked: `UsageError` `options/unknown-value` for what is none. */
export function typesOf(given: Readonly<Record<string, string>>): TypesByEnding {
  requireObject("types", given);
  const types = new Map<string, string>();
  for (const [ending, type] of Object.entries(given)) {
    if (typeof type !== "string" || parseMediaType(type) === undefined)
      throw refusal(`types.${ending}`, "a media type", type);
    assertFieldValue("Content-Type", type);
    types.set(ending.replace(/^\./, "").toLowerCase(), type);
  }
  return types;
}

/** A whole number of seconds from 0; `UsageError` `options/out-of-range`. */
export function age(seconds: number): number {
  return whole("maxAgeSeconds", seconds, LARGEST_AGE);
}

function resolveMemory(given: StaticMemory): Readonly<Required<StaticMemory>> {
  requireObject("memory", given);
  refuseUnknown("static memory", given, MEMORY_NAMES);
  const { maxFileSize, maxSize, recheckAfter } = { ...STATIC_MEMORY, ...given };
  whole("memory.maxFileSize", maxFileSize, LARGEST_FILE);
  whole("memory.maxSize", maxSize, Number.MAX_SAFE_INTEGER);
  whole("memory.recheckAfter", recheckAfter, LARGEST_AGE);
  return Object.freeze({ maxFileSize, maxSize, recheckAfter });
}

function whole(name: string, value: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  const received = String(value);
  throw new UsageError(
    "options/out-of-range",
    `Cannot use ${name}: expected a whole number from 0 to ${most}, received ${received}`,
  );
}

function namesOf(option: string, names: readonly string[]): readonly string[] {
  for (const name of names) {
    if (typeof name !== "string" || !/^[^/\\\p{Cc}]+$/u.test(name))
      throw refusal(option, "names without slashes", name);
  }
  return [...names];
}

/** As a path behind the prefix: escaped, because that is how paths come. */
function pathOf(fallback: string): string {
  if (typeof fallback !== "string" || fallback === "" || fallback.startsWith("/") || fallback.endsWith("/")) {
    throw refusal("fallback", "the path of a file from the folder, such as index.html", fallback);
  }
  return fallback.split("/").map(encodeURIComponent).join("/");
}

function codingsOf(given: boolean | readonly SiblingCoding[]): readonly SiblingCoding[] {
  if (typeof given === "boolean") return given ? CODINGS : [];
  requireObject("precompressed", given);
  return given.map((coding) => oneOf("precompressed", coding, CODINGS));
}

function matcher(given: boolean | RegExp): (path: string) => boolean {
  if (typeof given === "boolean") return () => given;
  if (!(given instanceof RegExp)) throw refusal("immutable", "true, false or a regular expression", given);
  // A copy without the flags that make a search begin where the last one ended.
  const pattern = new RegExp(given.source, given.flags.replace(/[gy]/g, ""));
  return (path) => pattern.test(path);
}

function flag(name: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw refusal(name, "true or false", value);
}

function oneOf<Choice extends string>(name: string, value: Choice, choices: readonly Choice[]): Choice {
  if (choices.includes(value)) return value;
  throw refusal(name, `one of ${choices.join(", ")}`, value);
}

function refusal(name: string, expected: string, received: unknown): UsageError {
  return new UsageError(
    "options/unknown-value",
    `Cannot use ${name}: expected ${expected}, received ${String(received)}`,
  );
}
