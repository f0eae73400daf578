/**
 * The headers of a light response as field lines: read and checked when it is made, because the Fetch standard copies them then.
 * What is unusual goes through a native `Headers`, which knows all rules and throws what they ask for.
 */

import { isToken } from "../../bytes/char-tables.js";
import type { FieldLines } from "../../http1/sinks.js";

const CONTENT_TYPE = "content-type";
/** Nothing to strip, nothing to refuse (Fetch §2.2 "header value"). */
const PLAIN_VALUE = /^[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?$/;
/** Beyond so many, looking for doubles one by one is no longer the cheap way. */
const FEW = 8;
/** What is remembered; an application that makes up names or types must not fill memory. */
const MOST_NAMES = 256;
const MOST_TYPES = 64;

const NO_FIELDS: FieldLines = Object.freeze([]);

const lowerNames = new Map<string, string>();
const typeFields = new Map<string, FieldLines>();

/** The lines of an answer that says no more than its type. Frozen and shared, so that their text is made once. */
export function fieldsOfType(type: string | undefined): FieldLines {
  if (type === undefined) return NO_FIELDS;
  const known = typeFields.get(type);
  if (known !== undefined) return known;
  const made = Object.freeze([CONTENT_TYPE, type]);
  if (typeFields.size < MOST_TYPES) typeFields.set(type, made);
  return made;
}

/** The lines of `headers`, with `type` where they name none. Throws `TypeError` as `new Headers(headers)` does. */
export function fieldsFrom(headers: object, type: string | undefined): FieldLines {
  return (isRecord(headers) ? tryRecord(headers, type) : undefined) ?? fieldsOf(nativeHeaders(headers), type);
}

/** The lines of a `Headers`, one for each `Set-Cookie`. */
export function fieldsOf(headers: Headers, type?: string): FieldLines {
  const lines: string[] = [];
  for (const [name, value] of headers) lines.push(name, value);
  if (type !== undefined && !headers.has(CONTENT_TYPE)) lines.push(CONTENT_TYPE, type);
  return lines;
}

/** Undefined: not so plain after all. */
function tryRecord(headers: Readonly<Record<string, unknown>>, type: string | undefined): FieldLines | undefined {
  const lines: string[] = [];
  let typed = false;
  for (const given in headers) {
    const value = headers[given];
    const name = lowerName(given);
    if (name === undefined || typeof value !== "string" || !PLAIN_VALUE.test(value)) return undefined;
    if (lines.length > FEW * 2 || hasName(lines, name)) return undefined;
    if (name === CONTENT_TYPE) typed = true;
    lines.push(name, value);
  }
  if (typed && lines.length === 2) return fieldsOfType(lines[1]);
  if (lines.length === 0) return fieldsOfType(type);
  if (!typed && type !== undefined) lines.push(CONTENT_TYPE, type);
  return lines;
}

function isRecord(headers: object): headers is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(headers);
  return (prototype === Object.prototype || prototype === null) && !(Symbol.iterator in headers);
}

/** `Headers` of ours, too, have their own way of being gone through. */
function nativeHeaders(headers: object): Headers {
  return headers instanceof Headers ? headers : new Headers(headers as Record<string, string>);
}

function lowerName(name: string): string | undefined {
  const known = lowerNames.get(name);
  if (known !== undefined) return known;
  if (!isToken(name)) return undefined;
  const lower = name.toLowerCase();
  if (lowerNames.size < MOST_NAMES) lowerNames.set(name, lower);
  return lower;
}

function hasName(lines: readonly string[], name: string): boolean {
  for (let at = 0; at < lines.length; at += 2) if (lines[at] === name) return true;
  return false;
}
