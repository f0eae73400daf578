/**
 * `fetch` (Fetch §5.6) on a session: the arguments by the standard's rules, the way to the wire through the session's pipeline
 * (middleware, retry, throttle, trace, pool), the answer as a `Response`. Where the standard and the session's rules differ the
 * standard has it; the session's defaults go to their origin as ever. A network error is `TypeError("fetch failed")` with what
 * happened as its `cause`; an abort rejects with the signal's reason itself.
 */
import { Body } from "../../body/body.js";
import { isSluiceError, PayloadError, UsageError } from "../../errors.js";
import { parseUrl } from "../../http/parse-url.js";
import type { FieldLines } from "../../http1/sinks.js";
import { hasField } from "../field-lines.js";
import type { Ask } from "../request-maker.js";
import { AS_RESPONSE } from "../request-promise.js";
import type { ClientResponse } from "../response.js";
import type { SessionEngine } from "../session-engine.js";
import type { CallSite } from "../warnings.js";
import { type ExtractedBody, takeBack } from "./fetch-body.js";
import { fetchRedirects } from "./fetch-redirects.js";
import { type FetchRequest, readRequest } from "./fetch-request.js";
import { type FetchHead, FetchResponse } from "./fetch-response.js";
import { matchesIntegrity } from "./integrity.js";
import { localContent } from "./local-schemes.js";
import { referrerFor } from "./referrer.js";

/** Whose `fetch` was called, and where. */
export interface FetchCaller {
  readonly engine: SessionEngine;
  /** The session's signals. */
  readonly signals: readonly AbortSignal[];
  /** Development only. */
  readonly site: CallSite | undefined;
}

/** An error status is no error to `fetch`, whatever the session says. */
const ANY_STATUS = Object.freeze({ raiseForStatus: false });
/** Fetch §2.2.3: answers with these have no body, not even an empty one. */
const NULL_BODY_STATUSES: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/** Runs one call. Rejects with `TypeError`, the reason of an abort, or what a middleware of the user's threw. */
export async function runFetch(caller: FetchCaller, input: unknown, init: unknown): Promise<Response> {
  const asked = understood(input, init);
  const local = isForTheNetwork(asked.url) ? undefined : parseUrl(asked.url);
  try {
    if (asked.signal?.aborted === true) throw asked.signal.reason;
    const answer = local === undefined ? await send(caller, asked) : await answerLocally(asked, local);
    // By its prototype chain it is one; the types of the platform's class cannot be met by another.
    return answer as unknown as Response;
  } catch (error) {
    asked.body?.payload.discard();
    throw failure(error, asked.signal);
  }
}

function understood(input: unknown, init: unknown): FetchRequest {
  try {
    return readRequest(input, init);
  } catch (error) {
    throw isSluiceError(error) ? new TypeError(error.message, { cause: error }) : error;
  }
}

async function send(caller: FetchCaller, asked: FetchRequest): Promise<FetchResponse> {
  const body = asked.unread === undefined ? asked.body : await takeBack(asked.unread.stream, asked.unread);
  const { engine, site } = caller;
  const consumer = { consumption: AS_RESPONSE, callSite: site, consumed: true, started: noteNothing };
  const response = (await engine.run(askOf(caller, asked, body), consumer)) as ClientResponse;
  const { status, method, history } = response;
  const first = history[0]?.request.target.origin ?? "";
  const type = first === "" || first === response.request.target.origin ? "basic" : "cors";
  if (method === "HEAD" || NULL_BODY_STATUSES.has(status)) {
    response.discard();
    if (asked.integrity !== "") throw response.describe(notTheOne());
    return new FetchResponse(response, { body: undefined, type });
  }
  if (asked.integrity === "") return new FetchResponse(response, { body: response.body, type });
  return new FetchResponse(response, { body: await checked(response, asked.integrity), type });
}

function askOf({ engine, signals }: FetchCaller, asked: FetchRequest, body: ExtractedBody | undefined): Ask {
  const { method, url, signal, redirect, credentials } = asked;
  if (asked.cache === "only-if-cached") {
    throw new UsageError("fetch/not-cached", "Cannot answer from a cache only: fetch has none of its own");
  }
  const fields = completed(asked, engine.config.baseUrl);
  return {
    method,
    url,
    options: ANY_STATUS,
    signals: signal === undefined ? signals : [...signals, signal],
    fetch: {
      fields,
      payload: body?.payload,
      redirect,
      redirects: fetchRedirects(asked, fields),
      credentials: credentials !== "omit",
    },
  };
}

/** The caller's fields and those that the options stand for (Fetch §4.5, "HTTP-network-or-cache fetch"). */
function completed(asked: FetchRequest, base: URL | undefined): FieldLines {
  const { cache, referrer, referrerPolicy } = asked;
  const mayStay = hasField(asked.fields, "connection");
  if (cache === "default" && referrer === undefined && !mayStay) return asked.fields;
  const fields: string[] = [];
  for (let at = 0; at < asked.fields.length; at += 2) {
    const [name = "", value = ""] = asked.fields.slice(at, at + 2);
    // What HTTP/1.1 does anyway, and Node's fetch takes; the connection's other options are its own business.
    if (name === "connection" && value.toLowerCase() === "keep-alive") continue;
    fields.push(name, value);
  }
  const target = referrer === undefined ? undefined : parseUrl(asked.url, base);
  const referer = referrer && target && referrerFor(referrerPolicy, referrer, target);
  if (referer !== undefined && !hasField(fields, "referer")) fields.push("referer", referer);
  if (cache === "no-cache" && !hasField(fields, "cache-control")) fields.push("cache-control", "max-age=0");
  if (cache !== "no-store" && cache !== "reload") return fields;
  if (!hasField(fields, "pragma")) fields.push("pragma", "no-cache");
  if (!hasField(fields, "cache-control")) fields.push("cache-control", "no-cache");
  return fields;
}

/** The body, all of which has to be there before any of it is handed out. */
async function checked(response: ClientResponse, integrity: string): Promise<Body> {
  const bytes = await response.bytes();
  if (await matchesIntegrity(bytes, integrity)) return Body.of(bytes);
  throw response.describe(notTheOne());
}

/** Fetch §4.1 "main fetch", step 22: no body at all is a wrong one. */
function notTheOne(): PayloadError {
  return new PayloadError("body/integrity", "The body is none of those that `integrity` names", { phase: "response" });
}

async function answerLocally(asked: FetchRequest, url: URL): Promise<FetchResponse> {
  const { bytes, fields, statusText } = await localContent(url, asked.method);
  const shown = { status: 200, statusText, url: `${url.protocol}…`, redirected: false };
  const head: FetchHead = { ...shown, url: url.href, fields, toJSON: () => shown };
  const body = Body.of(bytes);
  if (!(await matchesIntegrity(bytes, asked.integrity))) throw notTheOne();
  return new FetchResponse(head, { body: asked.method === "HEAD" ? undefined : body, type: "basic" });
}

/** Relative URLs are: they are joined to the session's base. */
function isForTheNetwork(url: string): boolean {
  if (url.startsWith("https://") || url.startsWith("http://")) return true;
  const protocol = parseUrl(url)?.protocol;
  return protocol === undefined || protocol === "http:" || protocol === "https:";
}

function failure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true && error === signal.reason) return error;
  if (!isSluiceError(error)) return error;
  // A URL that does not parse is the caller's mistake, found where the standard makes the request: no network is to blame.
  if (error.code === "url/invalid" && error.phase === "options") return new TypeError(error.message, { cause: error });
  return new TypeError("fetch failed", { cause: error });
}

function noteNothing(): void {
  // A request of `fetch` has one way to be consumed: nobody asks when it started.
}
