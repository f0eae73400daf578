/**
 * The arguments of `fetch` as the `Request` constructor reads them (Fetch §5.4), in its order and with its refusals: what is wrong
 * is a `TypeError`, before anything is sent. Of a `Request` everything is taken over that `init` does not replace.
 *
 * Only browsers have `window`, client, destination and the restrictions of `mode`; of these, values are checked, and `same-origin`
 * is kept to over redirects. `keepalive`, `priority` and `mode` change nothing else here.
 */
import type { ReadableStream as WebReadableStream } from "node:stream/web";
import { isMethod } from "../../http/methods.js";
import { parseUrl } from "../../http/parse-url.js";
import type { FieldLines } from "../../http1/sinks.js";
import { hasField } from "../field-lines.js";
import { type ExtractedBody, extractBody, extractForm } from "./fetch-body.js";
import { fieldLinesFrom, noFields } from "./fetch-headers.js";
import { INIT_MEMBERS, type UncheckedInit } from "./init-members.js";

/** Written in capitals whatever the caller's case; all others are left alone (Fetch §2.2.1 "normalize"). */
const NORMALISED: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

const VALUES = {
  cache: ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"],
  credentials: ["same-origin", "include", "omit"],
  duplex: ["half"],
  mode: ["cors", "no-cors", "same-origin"],
  priority: ["auto", "high", "low"],
  redirect: ["follow", "manual", "error"],
  referrerPolicy: [
    "",
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
  ],
} as const;

type Choice<Name extends keyof typeof VALUES> = (typeof VALUES)[Name][number];

/** Where a request says that it comes from. */
export type ReferrerPolicy = Choice<"referrerPolicy">;

/** A request of `fetch`, checked. */
export interface FetchRequest {
  readonly method: string;
  /** As given: the session's `baseUrl` is not yet in it. */
  readonly url: string;
  readonly fields: FieldLines;
  readonly body: ExtractedBody | undefined;
  /** In place of it: the body of the `Request` given, or a form, still to be read out. */
  readonly unread: { readonly stream: WebReadableStream<Uint8Array>; readonly patient: boolean } | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: Choice<"redirect">;
  readonly mode: Choice<"mode">;
  readonly credentials: Choice<"credentials">;
  readonly cache: Choice<"cache">;
  readonly integrity: string;
  /** Undefined: the caller named none. */
  readonly referrer: URL | undefined;
  readonly referrerPolicy: ReferrerPolicy;
}

const PLAIN: FetchRequest = Object.freeze({
  method: "GET",
  url: "",
  fields: noFields(),
  body: undefined,
  unread: undefined,
  signal: undefined,
  redirect: "follow",
  mode: "cors",
  credentials: "same-origin",
  cache: "default",
  integrity: "",
  referrer: undefined,
  referrerPolicy: "",
});

/** Throws `TypeError` for whatever `new Request(input, init)` refuses. */
export function readRequest(input: unknown, init: unknown): FetchRequest {
  const given = isRequest(input) ? input : undefined;
  const url = given === undefined ? String(input) : given.url;
  refuseCredentials(url);
  if (given === undefined && (init === undefined || init === null)) return { ...PLAIN, url };
  const members = initOf(init);
  // With options of its own, a request is no longer the page's that made the Request (step 14).
  const whence = INIT_MEMBERS.some((name) => members[name] !== undefined) ? undefined : given;
  const cache = chosen("cache", members, given);
  const mode = chosen("mode", members, given);
  if (cache === "only-if-cached" && mode !== "same-origin") {
    throw new TypeError('Cannot fetch: cache "only-if-cached" needs mode "same-origin"');
  }
  const bare = {
    url,
    cache,
    mode,
    method: methodOf(members.method === undefined ? given?.method : members.method),
    credentials: chosen("credentials", members, given),
    redirect: chosen("redirect", members, given),
    integrity: String(members.integrity ?? given?.integrity ?? ""),
    referrer: referrerOf(members.referrer ?? whence?.referrer),
    referrerPolicy: chosen("referrerPolicy", members, whence),
    signal: signalOf(members.signal === undefined ? given?.signal : members.signal),
  };
  chosen("priority", members, undefined);
  return { ...bare, ...contentOf(bare.method, members, given) };
}

/** Headers and body, which depend on one another. */
function contentOf(
  method: string,
  members: UncheckedInit,
  given: Request | undefined,
): Pick<FetchRequest, "fields" | "body" | "unread"> {
  const headers = members.headers === undefined ? given?.headers : members.headers;
  const lines = headers === undefined ? [] : fieldLinesFrom(headers);
  const own = members.body ?? undefined;
  const inherited = own === undefined ? (given?.body ?? undefined) : undefined;
  if ((own !== undefined || inherited !== undefined) && (method === "GET" || method === "HEAD")) {
    throw new TypeError(`Cannot fetch: a ${method} request has no body`);
  }
  if (inherited !== undefined) {
    if (given?.bodyUsed === true || inherited.locked) {
      throw new TypeError("Cannot fetch: the Request's body was used already");
    }
    const stream = inherited as WebReadableStream<Uint8Array>;
    return { fields: lines, body: undefined, unread: { stream, patient: false } };
  }
  const duplex = members.duplex === undefined ? undefined : chosen("duplex", members, undefined);
  if (own === undefined) return { fields: lines, body: undefined, unread: undefined };
  const form = extractForm(own);
  if (form !== undefined) {
    return { fields: withType(lines, form.type), body: undefined, unread: { stream: form.stream, patient: true } };
  }
  const body = extractBody(own);
  if (body.streamed && duplex === undefined) {
    body.payload.discard();
    throw new TypeError('Cannot fetch: a body that is a stream needs the option duplex: "half"');
  }
  if (body.streamed && members.keepalive === true) {
    body.payload.discard();
    throw new TypeError("Cannot fetch: keepalive and a body that is a stream exclude one another");
  }
  return { fields: withType(lines, body.type), body, unread: undefined };
}

/** What the caller says of the body comes first. */
function withType(lines: string[], type: string | undefined): string[] {
  if (type !== undefined && !hasField(lines, "content-type")) lines.push("content-type", type);
  return lines;
}

function initOf(init: unknown): UncheckedInit {
  if (init === undefined || init === null) return {};
  if (typeof init !== "object" && typeof init !== "function") {
    throw new TypeError(`Cannot fetch: its options are ${typeof init} and no object`);
  }
  const members: UncheckedInit = init;
  if (members.window !== undefined && members.window !== null) throw new TypeError("Cannot fetch: window must be null");
  return members;
}

/** The value of an option that has few; the first one there is where nobody gave one. */
function chosen<Name extends keyof typeof VALUES>(
  name: Name,
  members: UncheckedInit,
  given: Request | undefined,
): Choice<Name> {
  const fallback = name === "mode" ? "cors" : name === "credentials" ? "same-origin" : VALUES[name][0];
  const inherited = (given as { readonly [member: string]: unknown } | undefined)?.[name];
  const value = String(members[name] ?? (members[name] === null ? "null" : (inherited ?? fallback)));
  const values: readonly string[] = VALUES[name];
  // Requests that a page navigates with are a browser's own: a Request may say so, and means no other than "cors" here.
  if (inherited === "navigate" && value === "navigate") return "cors" as Choice<Name>;
  if (values.includes(value)) return value as Choice<Name>;
  throw new TypeError(`Cannot fetch: ${name} is ${JSON.stringify(value)}, and must be one of "${values.join('", "')}"`);
}

function methodOf(given: unknown): string {
  if (given === undefined) return "GET";
  const method = String(given);
  if (!isMethod(method)) throw new TypeError(`Cannot fetch: the method ${JSON.stringify(method)} is not a token`);
  const upper = method.toUpperCase();
  if (FORBIDDEN_METHODS.has(upper)) throw new TypeError(`Cannot fetch: the method ${upper} is forbidden`);
  return NORMALISED.has(upper) ? upper : method;
}

function referrerOf(given: unknown): URL | undefined {
  if (given === undefined || given === "" || given === "about:client") return undefined;
  const url = parseUrl(String(given));
  if (url === undefined) throw new TypeError("Cannot fetch: the referrer is not a valid URL");
  return url;
}

function signalOf(given: unknown): AbortSignal | undefined {
  if (given === undefined || given === null) return undefined;
  if (Object.prototype.toString.call(given) === "[object AbortSignal]") return given as AbortSignal;
  throw new TypeError("Cannot fetch: the signal is not an AbortSignal");
}

/** A URL with user info is refused, and not repeated: it is a secret. */
function refuseCredentials(url: string): void {
  if (!url.includes("@")) return;
  const parsed = parseUrl(url, new URL("http://relative.invalid/"));
  if (parsed === undefined || (parsed.username === "" && parsed.password === "")) return;
  throw new TypeError("Cannot fetch: the URL includes credentials; send them as an Authorization header");
}

/** By its tag: another copy of the library's is as good. */
function isRequest(input: unknown): input is Request {
  return typeof input === "object" && Object.prototype.toString.call(input) === "[object Request]";
}
