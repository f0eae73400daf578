/**
 * What stands behind the URL of one request: query parameters, header fields and fields of the body, each in one word.
 *
 * | item | meaning |
 * |---|---|
 * | `name=text` `name=@file` | a field of the body: text, or the text of a file |
 * | `name:=json` `name:=@file` | a field of the body: JSON as it is written |
 * | `name@file` `name@file;type=image/png` | a file, in a multipart body |
 * | `name==value` | a query parameter |
 * | `Name:value` | a header field |
 * | `@file` | the whole body |
 *
 * The separator is the one that begins first, and of those that begin there the longest. A backslash before `:`, `=`, `@` or a
 * backslash makes it a part of the name; behind the separator everything is the value's own. What is refused may be secret, so that
 * errors say the name at most.
 */
import { UsageProblem } from "../usage-problem.js";
import { parseJsonText } from "./json-text.js";
import { parseHeader } from "./pairs.js";

/** A field of a body. */
export interface BodyField {
  readonly name: string;
  readonly value: FieldValue;
}

/** What a field holds. */
export type FieldValue =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "json"; readonly text: string }
  | { readonly kind: "text-file"; readonly path: string }
  | { readonly kind: "json-file"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly type: string | undefined };

/** One item. */
export type RequestItem =
  | { readonly kind: "field"; readonly field: BodyField }
  | { readonly kind: "query"; readonly pair: readonly [name: string, value: string] }
  | { readonly kind: "header"; readonly pair: readonly [name: string, value: string] }
  | { readonly kind: "body"; readonly path: string };

/** The longer ones first: that is how they are looked for. */
const SEPARATORS = [":=@", ":=", "=@", "==", "=", ":", "@"] as const;
type Separator = (typeof SEPARATORS)[number];

const ESCAPABLE = ":=@\\";

/** Throws `UsageProblem` for what is none. */
export function parseRequestItem(text: string): RequestItem {
  if (/^https?:\/\//i.test(text)) {
    throw new UsageProblem("Cannot make one request to several URLs: sluice fetch takes many");
  }
  const { name, separator, value } = split(text);
  if (separator === "@" && name === "") return { kind: "body", path: required(value, "@", "a file's name") };
  if (name === "") throw new UsageProblem(`Cannot use an item that begins with ${separator}: it has no name`);
  switch (separator) {
    case ":":
      return { kind: "header", pair: headerOf(name, value) };
    case "==":
      return { kind: "query", pair: [name, value] };
    default:
      return { kind: "field", field: { name, value: fieldValue(name, separator, value) } };
  }
}

/** An item that is a field of a multipart body. Throws `UsageProblem` for any other. */
export function parsePart(text: string): BodyField {
  const item = /[=@]/.test(text) ? parseRequestItem(text) : undefined;
  if (item?.kind === "field") return item.field;
  throw new UsageProblem('expected "name=value" or "name@file"');
}

function fieldValue(name: string, separator: Exclude<Separator, ":" | "==">, value: string): FieldValue {
  switch (separator) {
    case "=":
      return { kind: "text", text: value };
    case "=@":
      return { kind: "text-file", path: required(value, name, "a file's name") };
    case ":=@":
      return { kind: "json-file", path: required(value, name, "a file's name") };
    case ":=":
      return { kind: "json", text: jsonOf(name, value) };
    case "@": {
      const found = /^(.*?);type=([^;]+)$/s.exec(value);
      const path = required(found?.[1] ?? value, name, "a file's name");
      return { kind: "file", path, type: found?.[2] };
    }
  }
}

function jsonOf(name: string, value: string): string {
  try {
    return parseJsonText(value);
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    throw new UsageProblem(`Cannot use ${name}:=…: ${error.message}; text is written with = alone`);
  }
}

function headerOf(name: string, value: string): readonly [name: string, value: string] {
  try {
    return parseHeader(`${name}:${value}`);
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    throw new UsageProblem(`Cannot use an item as a header field: ${error.message}`);
  }
}

function required(value: string, name: string, what: string): string {
  if (value !== "") return value;
  throw new UsageProblem(`Cannot use ${name}: ${what} must follow`);
}

function split(text: string): { readonly name: string; readonly separator: Separator; readonly value: string } {
  let name = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "\\" && at + 1 < text.length && ESCAPABLE.includes(text.charAt(at + 1))) {
      name += text.charAt(at + 1);
      at += 1;
      continue;
    }
    const separator = SEPARATORS.find((one) => text.startsWith(one, at));
    if (separator !== undefined) return { name, separator, value: text.slice(at + separator.length) };
    name += character;
  }
  throw new UsageProblem(
    "Cannot use what follows the URL: expected name=value, name:=json, name==query, name@file or Header:value",
  );
}
