/** Generated calls of `fetch` with generated answers: each a function of its number alone. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { Scripted } from "./raw-origin.js";

/** One call. */
export interface FetchCase {
  readonly number: number;
  /** The options, made anew for each call; perhaps those of a `Request`. */
  init(): Init | undefined;
  /** The arguments, made anew for each call: streams are read once. */
  arguments(origins: Origins): [input: unknown, init: Record<string, unknown> | undefined];
  /** The answer to the request that comes `hop`th, from 0. */
  answer(hop: number, origins: Origins): Scripted;
  readonly read: Reading;
}

export interface Origins {
  readonly first: string;
  readonly second: string;
}

export type Reading = (typeof READINGS)[number];

const READINGS = ["text", "text", "json", "arrayBuffer", "blob", "formData", "stream", "clone", "none"] as const;
const TEXT = "h\u00e4llo";
const UTF8 = Buffer.from(TEXT, "utf8").toString("latin1");

/** A repeatable dice. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed + 1) * 0x9e3779b1;
  }

  /** From 0 up to `sides`. */
  roll(sides: number): number {
    this.#state = (Math.imul(this.#state ^ (this.#state >>> 15), 0x85ebca6b) + 0x6d2b79f5) >>> 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 13), 0xc2b2ae35) >>> 0;
    return ((mixed ^ (mixed >>> 16)) >>> 0) % sides;
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.roll(choices.length)] as T;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.roll(times) === 0;
  }
}

/** The case of that number. */
export function fetchCase(number: number): FetchCase {
  const dice = new Dice(number);
  const path = dice.one(["/a/b", "/a/b?q=1&r=%20", "/", "/%C3%A4?x", "/a//b/../c", "/a b"]);
  const method = dice.one(METHODS);
  const init = initFor(dice, method);
  const form = dice.one(INPUTS);
  const redirects = dice.once(3) ? dice.roll(4) + (dice.once(12) ? 20 : 0) : 0;
  const hops = Array.from({ length: redirects }, () => redirectOf(dice));
  const last = finalOf(dice);
  return {
    number,
    init,
    read: dice.one(READINGS),
    arguments: (origins) => form(`${origins.first}${path}`, init()),
    answer: (hop, origins) => hops[hop]?.(origins) ?? last,
  };
}

const METHODS = [
  undefined,
  undefined,
  "GET",
  "HEAD",
  "POST",
  "POST",
  "put",
  "PATCH",
  "patch",
  "dElete",
  "OPTIONS",
  "FOO",
  "a b",
  "TRACE",
];

/** Options of a call. */
export type Init = Record<string, unknown>;
type Input = (url: string, init: Init | undefined) => [unknown, Init | undefined];

const INPUTS: readonly Input[] = [
  (url, init) => [url, init],
  (url, init) => [url, init],
  (url, init) => [url, init],
  (url, init) => [new URL(url), init],
  (url, init) => [`${url}#fragment`, init],
  (url, init) => [{ toString: () => url }, init],
  (url, init) => [url.replace("://", "://user:secret@"), init],
  (url, init) => [new Request(url, init), undefined],
  (url, init) => [new Request(url, init), { headers: { "x-second": "1" } }],
  (url, init) => [new Request(url, { headers: { "x-first": "1" } }), init],
  (url, init) => [url.replace("http:", "ftp:"), init],
  (_url, init) => ["data:text/html;charset=utf-8;base64,aGk=", init],
  (_url, init) => [`data:,${encodeURIComponent(TEXT)}#x`, init],
  (_url, init) => ["data:;charset=x,%4g%41", init],
  (_url, init) => ["data:no comma", init],
  (_url, init) => ["data:text/plain;base64,%%%", init],
  (_url, init) => ["http://[broken", init],
  (_url, init) => ["/relative", init],
  (_url, init) => ["about:blank", init],
];

function initFor(dice: Dice, method: string | undefined): () => Init | undefined {
  const sends = method !== undefined && !["GET", "HEAD", "TRACE"].includes(method.toUpperCase());
  const body = sends ? dice.one(BODIES) : dice.once(25) ? dice.one(BODIES) : () => ({});
  const headers = dice.one(HEADERS);
  const more = dice.one(MORE);
  const none = !sends && method === undefined && dice.once(3);
  return () => (none ? undefined : { ...(method && { method }), ...body(), ...headers(), ...more() });
}

const BODIES: readonly (() => Init)[] = [
  () => ({}),
  () => ({ body: null }),
  () => ({ body: "" }),
  () => ({ body: TEXT }),
  () => ({ body: new TextEncoder().encode(TEXT) }),
  () => ({ body: new Uint8Array([1, 2, 3, 250]).buffer }),
  () => ({ body: new DataView(new Uint8Array([9, 65, 66, 9]).buffer, 1, 2) }),
  () => ({ body: new Blob([TEXT], { type: "text/x; a=b" }) }),
  () => ({ body: new Blob([TEXT]) }),
  () => ({ body: new URLSearchParams({ a: "1 2", b: "\u00e4" }) }),
  () => ({ body: formOf() }),
  () => ({ body: streamOf(["ab", "cd"]), duplex: "half" }),
  () => ({ body: streamOf([]), duplex: "half" }),
  () => ({ body: streamOf(["ab"]) }),
  () => ({ body: streamOf(["ab"]), duplex: "full" }),
  () => ({ body: piecesOf(["x", "yz"]), duplex: "half" }),
  () => ({ body: { no: "body" } }),
  () => ({ body: 17 }),
  () => ({ body: "keep", keepalive: true }),
  () => ({ body: streamOf(["ab"]), duplex: "half", keepalive: true }),
];

function formOf(): FormData {
  const form = new FormData();
  form.set("name", "v\u00e4l\nue");
  form.set('f"ile', new Blob(["content"], { type: "text/css" }), "a.css");
  return form;
}

function streamOf(pieces: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(Buffer.from(piece));
      controller.close();
    },
  });
}

async function* piecesOf(pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

const HEADERS: readonly (() => Init)[] = [
  () => ({}),
  () => ({}),
  () => ({ headers: {} }),
  () => ({ headers: { "X-One": " padded ", "x-two": "b" } }),
  () => ({
    headers: [
      ["x-a", "1"],
      ["X-A", "2"],
      ["cookie", "a=1"],
      ["Cookie", "b=2"],
    ],
  }),
  () => ({ headers: new Headers({ "content-type": "text/own", accept: "text/x" }) }),
  () => ({ headers: { authorization: "Bearer secret", cookie: "c=d", "x-mine": "1", "accept-language": "de" } }),
  () => ({ headers: { "proxy-authorization": "x", referer: "http://a.test/", origin: "http://b.test", "sec-x": "y" } }),
  () => ({ headers: { "bad name": "1" } }),
  () => ({ headers: { "x-bad": "a\nb" } }),
  () => ({ headers: { "x-wide": "\u20ac" } }),
  () => ({ headers: { "x-latin": "\u00e4" } }),
  () => ({ headers: { "x-empty": "", "x-number": 7, "x-none": undefined } }),
  () => ({ headers: [["one"]] }),
  () => ({ headers: "text" }),
  () => ({ headers: { connection: "keep-alive" } }),
  () => ({ headers: { connection: "close" } }),
  () => ({ headers: { "transfer-encoding": "chunked" } }),
  () => ({ headers: { "content-length": "3" } }),
  () => ({ headers: { expect: "100-continue" } }),
  () => ({ headers: { upgrade: "x" } }),
  () => ({ headers: { "user-agent": "own", "accept-encoding": "identity", "cache-control": "own" } }),
  () => ({ headers: { host: "other.test" } }),
];

const MORE: readonly (() => Init)[] = [
  ...Array.from({ length: 8 }, () => () => ({})),
  () => ({ redirect: "manual" }),
  () => ({ redirect: "manual" }),
  () => ({ redirect: "error" }),
  () => ({ redirect: "never" }),
  () => ({ credentials: "omit" }),
  () => ({ credentials: "include" }),
  () => ({ credentials: "all" }),
  () => ({ cache: "no-store" }),
  () => ({ cache: "reload" }),
  () => ({ cache: "no-cache" }),
  () => ({ cache: "force-cache" }),
  () => ({ cache: "only-if-cached" }),
  () => ({ cache: "only-if-cached", mode: "same-origin" }),
  () => ({ mode: "same-origin" }),
  () => ({ mode: "no-cors" }),
  () => ({ mode: "navigate" }),
  () => ({ mode: null }),
  () => ({ referrer: "https://from.test/x?y#z" }),
  () => ({ referrer: "http://from.test/x?y#z", referrerPolicy: "unsafe-url" }),
  () => ({ referrer: "http://from.test/x", referrerPolicy: "origin" }),
  () => ({ referrer: "http://from.test/x", referrerPolicy: "no-referrer" }),
  () => ({ referrer: "", referrerPolicy: "same-origin" }),
  () => ({ referrer: "http://[" }),
  () => ({ referrerPolicy: "all" }),
  () => ({ integrity: "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=" }),
  () => ({ integrity: "sha384-AAAA sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=" }),
  () => ({ integrity: "nonsense" }),
  () => ({ window: null }),
  () => ({ window: "x" }),
  () => ({ signal: null }),
  () => ({ signal: AbortSignal.abort("why") }),
  () => ({ signal: AbortSignal.abort() }),
  () => ({ signal: new AbortController().signal }),
  () => ({ signal: "x" }),
  () => ({ priority: "high" }),
];

function redirectOf(dice: Dice): (origins: Origins) => Scripted {
  const status = dice.one([301, 302, 303, 307, 308, 301, 302, 303, 307, 308, 300, 304, 305]);
  const location = dice.one(LOCATIONS);
  const body = dice.once(3) ? "moved" : "";
  return (origins) => {
    const to = location(origins);
    const field = to === undefined ? "" : `Location: ${to}\r\n`;
    return {
      bytes: `HTTP/1.1 ${status} Moved\r\n${field}Content-Length: ${body.length}\r\n\r\n${status === 304 ? "" : body}`,
    };
  };
}

const LOCATIONS: readonly ((origins: Origins) => string | undefined)[] = [
  () => "/next",
  () => "next?x=1",
  () => "/next",
  ({ first }) => `${first}/absolute`,
  ({ second }) => `${second}/other`,
  ({ second }) => `${second}/other`,
  ({ second }) => `${second}/other#its-own`,
  () => undefined,
  () => "",
  () => "http://[",
  () => "data:text/plain,x",
  ({ first }) => first.replace("://", "://u:p@"),
  ({ second }) => second.replace("://", "://u:p@"),
  () => Buffer.from("/n\u00e4xt", "utf8").toString("latin1"),
];

const STATUSES = [200, 200, 200, 200, 200, 201, 202, 204, 205, 206, 304, 400, 404, 418, 500, 503, 599, 299];
const TYPES = [
  "text/plain",
  "text/plain; charset=latin1",
  "Text/HTML;CharSet=UTF-8",
  "application/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=xx",
  "broken",
  undefined,
];
const CONTENTS = [
  UTF8,
  "hello",
  "hello",
  "",
  '{"a":[1,2,{"b":null}]}',
  "{broken",
  `\u00ef\u00bb\u00bf{"bom":true}`,
  "\u00ff\u00fe\u00e4",
  "a=1&b=%20x",
  '--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xx--\r\n',
];
const CODINGS = [
  undefined,
  undefined,
  undefined,
  undefined,
  "gzip",
  "x-gzip",
  "deflate",
  "raw",
  "br",
  "gzip, br",
  "unknown",
  "identity",
  "broken",
];
const FRAMINGS = ["length", "length", "chunked", "close", "short", "long-chunk"] as const;

function finalOf(dice: Dice): Scripted {
  if (dice.once(40)) return { bytes: dice.one(["garbage\r\n\r\n", "HTTP/1.1 999999 x\r\n\r\n", ""]), end: true };
  const status = dice.one(STATUSES);
  const type = dice.one(TYPES);
  const coding = dice.one(CODINGS);
  const content = coded(dice.one(CONTENTS), coding);
  const interim = dice.once(10) ? "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" : "";
  const fields = [`X-Reason: yes`, ...dice.one(EXTRA)];
  if (type !== undefined) fields.push(`Content-Type: ${type}`);
  if (coding !== undefined) {
    fields.push(`Content-Encoding: ${coding === "raw" ? "deflate" : coding === "broken" ? "gzip" : coding}`);
  }
  const bodyless = status === 204 || status === 304;
  const framing = bodyless ? "length" : dice.one(FRAMINGS);
  const reason = dice.one(["OK", "", "Some Reason"]);
  const head = (more: string) => `${interim}HTTP/1.1 ${status} ${reason}\r\n${[...fields, more].join("\r\n")}\r\n\r\n`;
  switch (framing) {
    case "length":
      return bodyless ? { bytes: head("X-Last: 1") } : { bytes: head(`Content-Length: ${content.length}`) + content };
    case "chunked":
      return { bytes: head("Transfer-Encoding: chunked") + chunks(content) };
    case "close":
      return { bytes: head("Connection: close") + content, end: true };
    case "short":
      return { bytes: head(`Content-Length: ${content.length + 5}`) + content, end: true };
    case "long-chunk":
      return { bytes: `${head("Transfer-Encoding: chunked")}5\r\nab`, end: true };
  }
}

const EXTRA: readonly (readonly string[])[] = [
  [],
  [],
  ["Set-Cookie: a=1", "Set-Cookie: b=2; Path=/", "X-Twice: 1", "X-Twice: 2"],
  ["X-Empty:", "X-Spaces:    a b   "],
  ["X-Latin: \u00e4"],
  ["Date: Mon, 01 Jan 2024 00:00:00 GMT", "Server: raw", 'ETag: W/"x"'],
];

function chunks(content: string): string {
  const middle = Math.ceil(content.length / 2);
  const pieces = [content.slice(0, middle), content.slice(middle)].filter((piece) => piece !== "");
  return `${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("")}0\r\nX-Trailer: t\r\n\r\n`;
}

function coded(content: string, coding: string | undefined): string {
  const bytes = Buffer.from(content, "latin1");
  if (coding === "gzip" || coding === "x-gzip") return gzipSync(bytes).toString("latin1");
  if (coding === "deflate") return deflateSync(bytes).toString("latin1");
  if (coding === "raw") return deflateRawSync(bytes).toString("latin1");
  if (coding === "br") return brotliCompressSync(bytes).toString("latin1");
  if (coding === "gzip, br") return brotliCompressSync(gzipSync(bytes)).toString("latin1");
  return content;
}
