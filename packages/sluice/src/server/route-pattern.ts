/**
 * What a route's path may say, read once when the route is registered:
 *
 *     /users/me            static
 *     /users/:id           a parameter: one or more characters up to the next slash
 *     /files/:name.json    … with static text after it, and /v:version with static text before it
 *     /assets/*path        the rest, slashes and all, possibly empty; the last segment only; `*` alone is a parameter named "*"
 *
 * One parameter a segment, named [A-Za-z_][A-Za-z0-9_]*. Static text is brought into the spelling of `request-path.ts`, so
 * `/café` and `/caf%C3%A9` are the same route.
 */

import { UsageError } from "../errors.js";
import { normalisePath } from "./request/request-path.js";

/** A piece of a pattern, in order. Static text may span several segments. */
export type PatternPart =
  | { readonly kind: "static"; readonly text: string }
  | { readonly kind: "param"; readonly name: string; readonly suffix: string }
  | { readonly kind: "rest"; readonly name: string };

/** A pattern that has been read. */
export interface RoutePattern {
  /** As the route's author wrote it. */
  readonly source: string;
  readonly parts: readonly PatternPart[];
  /** Names of the parameters in the order of their values. */
  readonly names: readonly string[];
}

const PARAM = /^([^:*]*):([A-Za-z_][A-Za-z0-9_]*)([^:*]*)$/;
const REST = /^\*([A-Za-z_][A-Za-z0-9_]*)?$/;
/** Characters that no path contains as they are (RFC 3986 §3.3); `%` is judged by {@link normalisePath}. */
const NOT_IN_PATHS = /[^!$%&'()*+,\-./0-9:;=@A-Z_a-z~]/gu;

/** Reads `source`. Throws `UsageError` `route/pattern`, which says what is wrong with it. */
export function readPattern(source: string): RoutePattern {
  if (source === "*") return { source, parts: [{ kind: "static", text: "*" }], names: [] };
  if (!source.startsWith("/")) refuse(source, "it must start with a slash");
  if (/[?#]/.test(source)) refuse(source, "it has a ? or #, and only paths are matched");
  const parts: PatternPart[] = [];
  const names: string[] = [];
  let text = "";
  const segments = source.split("/");
  for (let index = 1; index < segments.length; index += 1) {
    text += "/";
    const read = readSegment(source, segments[index] ?? "", index === segments.length - 1);
    text += read.before;
    if (read.part === undefined) continue;
    parts.push({ kind: "static", text: literal(source, text) }, read.part);
    names.push(read.part.name);
    text = "";
  }
  if (text !== "") parts.push({ kind: "static", text: literal(source, text) });
  if (names.includes("__proto__")) refuse(source, "__proto__ cannot be the name of a parameter");
  if (new Set(names).size !== names.length) refuse(source, "it has two parameters of one name");
  return { source, parts, names };
}

interface ReadSegment {
  /** Static text, or the static text before the parameter. */
  readonly before: string;
  readonly part: Exclude<PatternPart, { kind: "static" }> | undefined;
}

function readSegment(source: string, segment: string, last: boolean): ReadSegment {
  const rest = REST.exec(segment);
  if (rest !== null) {
    if (!last) refuse(source, `${segment} takes the rest of the path, so nothing can follow it`);
    return { before: "", part: { kind: "rest", name: rest[1] ?? "*" } };
  }
  if (!/[:*]/.test(segment)) return { before: segment, part: undefined };
  const param = PARAM.exec(segment);
  if (param === null) refuse(source, `${segment} is neither :name, with static text around it, nor *name`);
  const [, before = "", name = "", after = ""] = param;
  return { before, part: { kind: "param", name, suffix: literal(source, after) } };
}

/** Static text as it stands in a normalised path. */
function literal(source: string, text: string): string {
  try {
    return normalisePath(text.replace(NOT_IN_PATHS, encodeURIComponent));
  } catch (cause) {
    throw new UsageError("route/pattern", `Cannot route ${source}: it has a dot segment or a malformed escape`, {
      cause,
    });
  }
}

function refuse(source: string, reason: string): never {
  throw new UsageError("route/pattern", `Cannot route ${source}: ${reason}`);
}
