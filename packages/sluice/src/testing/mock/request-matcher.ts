/**
 * Whether a request is the one that a mock was prepared for, and if not, in what it differs. Checked in the order in which people look:
 * method, URL, query, fields, body. Differences name places, and values only where they cannot be secrets.
 */

import { paramPairs } from "../../client/option-values.js";
import type { ParamsInput } from "../../client/options.js";
import { UsageError } from "../../errors.js";
import { parseUrl } from "../../http/parse-url.js";
import { isSecretField, showUrl } from "../../http/redact.js";
import { refuseUnknown } from "../../options.js";
import { asJson, jsonDifference } from "./json-difference.js";
import type { MockRequest, ShownNames } from "./mock-request.js";

/**
 * Which URLs are meant. Text and `URL`: this one, its query included, in any order of names; a RegExp is tested on the whole URL without
 * its fragment, a function is asked.
 */
export type MockUrl = string | URL | RegExp | ((url: URL) => boolean);

/** What the value of a field must be: this text, matched by this, or one that the function accepts. Undefined: the field must not be there. */
export type MockField = string | RegExp | ((value: string | null) => boolean) | undefined;

/** What must hold of a request beside method and URL. One of `json`, `form`, `text` and `bytes`. */
export interface MockMatch {
  /** For a URL given as text: parameters besides those in it. For a RegExp or a function: parameters that must be there, among others. */
  readonly params?: ParamsInput;
  /** Fields that must be there, among others. */
  readonly headers?: Readonly<Record<string, MockField>>;
  /** The body as JSON: equal to this value, or accepted by this function. */
  readonly json?: unknown;
  /** The body as form fields: these and no others, or accepted by this function. */
  readonly form?: ParamsInput | ((fields: URLSearchParams) => boolean);
  /** The body as UTF-8 text. */
  readonly text?: string | RegExp | ((text: string) => boolean);
  /** The body, byte by byte. */
  readonly bytes?: Uint8Array;
  /** Anything else. Asked when all the rest holds. */
  readonly when?: (request: MockRequest) => boolean;
}

const KNOWN: ReadonlySet<string> = new Set<keyof MockMatch>([
  "params",
  "headers",
  "json",
  "form",
  "text",
  "bytes",
  "when",
]);
const BODIES = ["json", "form", "text", "bytes"] as const;
/** Names of fields whose values are not shown: credentials are called like this. */
const LOOKS_SECRET = /auth|cookie|credential|key|pass|secret|session|sign|token/i;

/** One thing that must hold: undefined if it does, or in what the request differs. */
type Check = (request: MockRequest) => string | undefined;

/** What a request must be like. */
export class RequestMatcher {
  readonly #method: string | undefined;
  readonly #url: string;
  readonly #headChecks: Check[];
  readonly #bodyChecks: Check[];
  readonly #when: MockMatch["when"];

  /** `method`: undefined for any. Throws `UsageError`: `options/…`, `url/invalid`. */
  constructor(method: string | undefined, url: MockUrl, match: MockMatch, shown: ShownNames) {
    refuseUnknown("mock", match, KNOWN);
    if (BODIES.filter((name) => match[name] !== undefined).length > 1) {
      throw new UsageError("options/body", "Cannot match more than one body: give one of json, form, text and bytes");
    }
    this.#method = method;
    this.#url = describeUrl(url, shown);
    this.#headChecks = [methodCheck(method), ...urlChecks(url, match.params), ...fieldChecks(match.headers, shown)];
    this.#bodyChecks = bodyChecks(match);
    this.#when = match.when;
  }

  /** In what a request differs as far as its head says; empty when its body decides. */
  headDifferences(request: MockRequest): string[] {
    return this.#headChecks.map((check) => check(request)).filter((each) => each !== undefined);
  }

  /** In what it differs; empty when it is the one. */
  differences(request: MockRequest): string[] {
    const bodyChecks = request.complete ? this.#bodyChecks : [];
    const bodyDifferences = bodyChecks.map((check) => check(request)).filter((each) => each !== undefined);
    const differences = [...this.headDifferences(request), ...bodyDifferences];
    if (differences.length === 0 && this.#when?.(request) === false) return ["the function `when` says no"];
    return differences;
  }

  /** Method and URL as registered, without secrets. */
  toString(): string {
    return `${this.#method ?? "any method"} ${this.#url}`;
  }
}

function describeUrl(url: MockUrl, { showQuery }: ShownNames): string {
  if (url instanceof RegExp) return String(url);
  if (typeof url === "function") return `a URL for which ${url.name === "" ? "a function" : url.name} says true`;
  return showUrl(url, showQuery);
}

function methodCheck(method: string | undefined): Check {
  return (request) =>
    method === undefined || method === request.method ? undefined : `the method is ${request.method}`;
}

function urlChecks(url: MockUrl, params: ParamsInput | undefined): Check[] {
  const wanted = params === undefined ? [] : [...paramPairs(params)];
  if (url instanceof RegExp || typeof url === "function") {
    const isMeant =
      url instanceof RegExp ? ({ href }: URL) => href.search(url) !== -1 : (actual: URL) => url(new URL(actual));
    return [
      (request) => (isMeant(request.url) ? undefined : "the URL is another"),
      (request) => queryDifference(new URLSearchParams(wanted as [string, string][]), request.params, false),
    ];
  }
  const expected = parseUrl(String(url));
  if (expected === undefined) {
    throw new UsageError("url/invalid", "Cannot mock this URL: expected an absolute one, a RegExp or a function");
  }
  const query = new URLSearchParams([...expected.searchParams, ...(wanted as [string, string][])]);
  return [
    ({ url: actual }) => (actual.origin === expected.origin ? undefined : `the origin is ${actual.origin}`),
    ({ url: actual }) => (actual.pathname === expected.pathname ? undefined : "the path is another"),
    (request) => queryDifference(query, request.params, true),
  ];
}

function queryDifference(expected: URLSearchParams, actual: URLSearchParams, exact: boolean): string | undefined {
  const name = differingName(expected, actual, exact);
  return name === undefined
    ? undefined
    : `the query parameter ${JSON.stringify(name)} ${howDiffers(name, expected, actual)}`;
}

/** The first name whose values are not the same; with `exact`, also one that was not expected. */
function differingName(expected: URLSearchParams, actual: URLSearchParams, exact: boolean): string | undefined {
  const names = new Set([...expected.keys(), ...(exact ? actual.keys() : [])]);
  for (const name of names) {
    const values = actual.getAll(name);
    const wanted = expected.getAll(name);
    if (values.length !== wanted.length || values.some((value, at) => value !== wanted[at])) return name;
  }
  return undefined;
}

function howDiffers(name: string, expected: URLSearchParams, actual: URLSearchParams): string {
  if (!actual.has(name)) return "is missing";
  return expected.has(name) ? "has another value" : "is not expected";
}

function fieldChecks(headers: MockMatch["headers"], shown: ShownNames): Check[] {
  return Object.entries(headers ?? {}).map(([name, wanted]) => {
    const isSecret = isSecretField(name, shown.secretFields) || LOOKS_SECRET.test(name);
    return (request) => {
      const value = request.headers.get(name);
      if (fieldMatches(wanted, value)) return undefined;
      if (value === null) return `the header ${name} is missing`;
      if (wanted === undefined) return `the header ${name} is not expected`;
      return `the header ${name} is ${isSecret ? "another" : JSON.stringify(value)}`;
    };
  });
}

function fieldMatches(wanted: MockField, value: string | null): boolean {
  if (typeof wanted === "function") return wanted(value);
  if (wanted instanceof RegExp) return value !== null && value.search(wanted) !== -1;
  return value === (wanted ?? null);
}

function bodyChecks(match: MockMatch): Check[] {
  const checks: Check[] = [];
  const { json, form, text, bytes } = match;
  if (json !== undefined) checks.push(jsonCheck(json));
  if (form !== undefined) checks.push(formCheck(form));
  if (text !== undefined) checks.push(textCheck(text));
  if (bytes !== undefined) {
    checks.push((request) => (Buffer.from(request.bytes).equals(bytes) ? undefined : "the body has other bytes"));
  }
  return checks;
}

function jsonCheck(json: unknown): Check {
  const accepts =
    typeof json === "function"
      ? (value: unknown) => ((json as (value: unknown) => boolean)(value) ? undefined : "its function says no")
      : jsonEquality(asJson(json));
  return (request) => {
    let value: unknown;
    try {
      value = request.json();
    } catch {
      return request.bytes.length === 0 ? "there is no body" : "the body is no JSON";
    }
    const difference = accepts(value);
    return difference === undefined ? undefined : `the JSON body differs: ${difference}`;
  };
}

function jsonEquality(expected: unknown): (value: unknown) => string | undefined {
  return (value) => {
    const pointer = jsonDifference(expected, value);
    if (pointer === undefined) return undefined;
    return pointer === "" ? "as a whole" : `at ${pointer}`;
  };
}

function formCheck(form: NonNullable<MockMatch["form"]>): Check {
  if (typeof form === "function") {
    return (request) => (form(request.form()) ? undefined : "the form differs: its function says no");
  }
  const expected = new URLSearchParams([...paramPairs(form)] as [string, string][]);
  return (request) => {
    const actual = request.form();
    const name = differingName(expected, actual, true);
    return name === undefined
      ? undefined
      : `the form field ${JSON.stringify(name)} ${howDiffers(name, expected, actual)}`;
  };
}

function textCheck(text: NonNullable<MockMatch["text"]>): Check {
  const accepts =
    typeof text === "function"
      ? text
      : (actual: string) => (typeof text === "string" ? actual === text : actual.search(text) !== -1);
  return (request) => (accepts(request.text()) ? undefined : "the body has another text");
}
