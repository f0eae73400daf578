/**
 * A reverse proxy (a gateway, RFC 9110 §3.7): requests that reach it are passed on to an origin by a session, and what that answers is
 * passed back, both as they come. It is handed the session and does not own it: pool, limits, TLS and retries are the session's.
 *
 * Two messages are made anew at every hop, so that nothing is passed on that was not understood: framing is ours on both sides, whatever
 * the peers wrote. The way of a request is one function, `answer`; each question on it has a file of its own.
 */

import { DEFAULT_CONTINUE_WAIT_MS } from "../client/expect-continue.js";
import type { ForwardAsk } from "../client/forward-ask.js";
import type { ClientResponse } from "../client/response.js";
import { ClientSession } from "../client/session.js";
import { UsageError } from "../errors.js";
import { HttpHeaders } from "../http/headers.js";
import { isRequestTarget } from "../http/target.js";
import type { FieldLines } from "../http1/sinks.js";
import type { ServerExchange } from "../server/exchange.js";
import { findField, joinField } from "../server/field-lookup.js";
import { HttpError } from "../server/http-error.js";
import type { Next } from "../server/middleware-chain.js";
import { Reply } from "../server/reply.js";
import { normalisePath } from "../server/request/request-path.js";
import { ServerRequest } from "../server/request/server-request.js";
import { downloadOf } from "./download.js";
import { announcedTrailers, endToEndFields } from "./end-to-end-fields.js";
import { forwardingFields, isForwardingField } from "./forwarding-fields.js";
import { type ProxyOptions, type ResolvedProxyOptions, resolveProxyOptions } from "./proxy-options.js";
import { Upload, uploadOf } from "./upload.js";
import { Upstream } from "./upstream.js";
import { upstreamFailure } from "./upstream-failure.js";
import { cameThrough, viaWith } from "./via.js";
import { UpgradePasser } from "./websocket/upgrade-passer.js";

/** The origin: one for all requests, or chosen for each. Never taken from the request unless the function does so. */
export type ProxyTarget = string | URL | ((request: ServerRequest<unknown>) => string | URL | Promise<string | URL>);

/** Answers requests with what the origin says: a handler, or middleware in front of others. */
export type ReverseProxy = (request: ServerRequest<unknown>, next?: Next) => Promise<Reply>;

/** Chosen targets that are kept taken apart. */
const KEPT_UPSTREAMS = 256;
const SLASH = 0x2f;
/**
 * A dot segment for an origin that takes an escaped slash or backslash for a slash, what follows a semicolon or a NUL (the end of a C
 * string) for no part of the name, or spaces at its end, or that undoes escapes more often than once.
 */
const HIDDEN_DOT_SEGMENT =
  /(?:[/\\]|%(?:25)*(?:2F|5C))(?:\.|%(?:25)+2E){1,2}(?:%(?:25)*(?:20|[01][0-9A-F]))*(?:[/\\;]|%(?:25)*(?:2F|5C|3B|00)|$)/i;
const DIGITS = /^[0-9]+$/;
const MOST_STATUS = 599;
const UPGRADE_REQUIRED = 426;
const REWRITTEN: ReadonlySet<string> = new Set(["host", "content-length", "expect", "max-forwards", "via"]);

/**
 * Passes requests on to `target`, a URL whose path goes before the request's, by `session`, which stays the caller's to close: its
 * cookies are not used, its headers are laid under the client's. Throws `UsageError` `options/…`, `proxy/path`, `proxy/target`.
 */
export function proxy(session: ClientSession, target: ProxyTarget, options: ProxyOptions = {}): ReverseProxy {
  if (!(session instanceof ClientSession)) {
    throw new UsageError("options/unknown-value", "Cannot make a proxy: its first argument is no ClientSession");
  }
  const gateway = new Gateway(session, target, resolveProxyOptions(options));
  return function proxy(request, next) {
    return gateway.answer(request, next);
  };
}

/** See the head of this file. */
class Gateway {
  readonly #session: ClientSession;
  readonly #options: ResolvedProxyOptions;
  readonly #fixed: Upstream | undefined;
  readonly #choose: ((request: ServerRequest<unknown>) => string | URL | Promise<string | URL>) | undefined;
  readonly #chosen = new Map<string, Upstream>();
  readonly #upgrades: UpgradePasser | undefined;

  constructor(session: ClientSession, target: ProxyTarget, options: ResolvedProxyOptions) {
    this.#session = session;
    this.#options = options;
    this.#upgrades = options.tunnel === undefined ? undefined : new UpgradePasser(options.tunnel, session);
    this.#choose = typeof target === "function" ? target : undefined;
    this.#fixed = typeof target === "function" ? undefined : new Upstream(target);
  }

  async answer(request: ServerRequest<unknown>, next: Next | undefined): Promise<Reply> {
    const { prefix, via, maxRequestSize, timeout } = this.#options;
    const path = request.path.startsWith("/") ? withoutPrefix(normalisePath(request.path), prefix) : undefined;
    if (path === undefined && prefix !== "" && next !== undefined) return next();
    const { exchange } = ServerRequest.behind(request);
    if (isForUs(exchange)) return new Reply(204);
    refuseOthers(exchange, via);
    const upgrades = asksForUpgrade(exchange) ? this.#passer() : undefined;
    if (path === undefined) throw new HttpError(404, "There is nothing at this path");

    const upstream = this.#fixed ?? (await this.#upstreamFor(request));
    const target = upstream.urlOf(this.#pathFor(path, request), queryPart(exchange.target));
    const fields = await this.#requestFields(request, exchange);
    const payload = uploadOf(exchange, maxRequestSize);
    const expectContinue = payload !== undefined && expectsContinue(exchange) ? DEFAULT_CONTINUE_WAIT_MS : 0;
    const onInformational = (status: number, interim: FieldLines) => passInterim(exchange, status, interim);
    const ask: ForwardAsk = { target, fields, payload, expectContinue, timeout, onInformational };
    if (upgrades === undefined) return this.#reply(await this.#send(request, ask), upstream);
    return upgrades.pass(request, {
      send: (upgrade) => this.#send(request, { ...ask, upgrade }),
      fieldsOf: (response) => this.#answerFields(response, upstream),
      replyOf: (response) => this.#reply(response, upstream),
    });
  }

  #passer(): UpgradePasser {
    if (this.#upgrades !== undefined) return this.#upgrades;
    const refusal = { code: "proxy/upgrade", expose: true, report: false };
    throw new HttpError(501, "This proxy does not pass WebSocket on", refusal);
  }

  async #send(request: ServerRequest<unknown>, ask: ForwardAsk): Promise<ClientResponse> {
    try {
      return await this.#session.forward(request.method, ask, request.signal);
    } catch (error) {
      // The client's going away is nobody's failure.
      if (request.signal.aborted && error === request.signal.reason) throw error;
      const fault = ask.payload instanceof Upload ? ask.payload.fault : undefined;
      throw fault ?? upstreamFailure(error);
    }
  }

  async #upstreamFor(request: ServerRequest<unknown>): Promise<Upstream> {
    const chosen = String(await this.#choose?.(request));
    let upstream = this.#chosen.get(chosen);
    if (upstream === undefined) {
      upstream = new Upstream(chosen);
      if (this.#chosen.size >= KEPT_UPSTREAMS) this.#chosen.clear();
      this.#chosen.set(chosen, upstream);
    }
    return upstream;
  }

  /** Throws `UsageError` `proxy/path` for a function's answer that is no path, `HttpError` 400 for a path that climbs. */
  #pathFor(path: string, request: ServerRequest<unknown>): string {
    const { rewritePath } = this.#options;
    const written = rewritePath === undefined ? path : rewritePath(path, request);
    if (HIDDEN_DOT_SEGMENT.test(written)) {
      throw new HttpError(400, "The path has a hidden dot segment", { code: "server/path-dots" });
    }
    if (rewritePath === undefined || (isRequestTarget(written, "GET") && /^\/[^?]*$/.test(written))) return written;
    throw new UsageError(
      "proxy/path",
      `Cannot ask for the path ${JSON.stringify(written)}: rewritePath has to give one that begins with a slash, escaped`,
    );
  }

  async #requestFields(request: ServerRequest<unknown>, exchange: ServerExchange): Promise<FieldLines> {
    const { keepHost, via, forwarded, prefix, requestId, requestHeaders } = this.#options;
    const received = exchange.fields;
    const isTaken = (name: string) =>
      REWRITTEN.has(name) || isForwardingField(name) || (requestId && name === "x-request-id");
    const host = keepHost ? findField(received, "host") : undefined;
    const fields = endToEndFields(received, isTaken);
    if (host !== undefined && host !== "") fields.unshift("Host", host);
    if (hasToken(received, "te", "trailers")) fields.push("TE", "trailers");
    const hops = exchange.method === "OPTIONS" ? findField(received, "max-forwards") : undefined;
    if (hops !== undefined && DIGITS.test(hops)) fields.push("Max-Forwards", String(Number(hops) - 1));
    if (requestId) fields.push("X-Request-Id", request.id);
    fields.push(...forwardingFields(request, forwarded, prefix));
    if (via !== undefined) fields.push("Via", viaWith(joinField(received, "via"), request.httpVersion, via));
    if (requestHeaders === undefined) return fields;
    const headers = HttpHeaders.fromFields(fields);
    await requestHeaders(headers, request);
    return headers.raw;
  }

  #reply(response: ClientResponse, upstream: Upstream): Reply {
    const { status, statusText } = response;
    if (status > MOST_STATUS) {
      response.discard();
      throw new HttpError(502, `The origin answered with status ${status}`, { code: "proxy/bad-answer" });
    }
    const fields = this.#answerFields(response, upstream);
    // RFC 9110 §15.5.22: it says what to upgrade to, and what that is goes through here.
    if (status === UPGRADE_REQUIRED && this.#upgrades !== undefined)
      fields.push("Upgrade", "websocket", "Connection", "Upgrade");
    const names = announcedTrailers(joinField(response.fields, "trailer"));
    const payload = downloadOf(response, names);
    const reply = new Reply(status, fields, payload);
    if (statusText !== "") reply.reason = statusText;
    return reply;
  }

  #answerFields(response: ClientResponse, upstream: Upstream): string[] {
    const { via, rewriteLocation, prefix } = this.#options;
    const fields = endToEndFields(response.fields, (name) => name === "content-length" || name === "via");
    for (let at = 0; rewriteLocation && at < fields.length; at += 2) {
      const name = (fields[at] ?? "").toLowerCase();
      if (name !== "location" && name !== "content-location") continue;
      fields[at + 1] = upstream.locationFor(fields[at + 1] ?? "", prefix);
    }
    // Of a body that is not here it says what GET would have had (RFC 9110 §8.6).
    const length = findField(response.fields, "content-length");
    const describes = response.method === "HEAD" || response.status === 304;
    if (describes && length !== undefined && DIGITS.test(length)) fields.push("Content-Length", length);
    const received = joinField(response.fields, "via");
    if (via !== undefined) fields.push("Via", viaWith(received, response.httpVersion, via));
    else if (received !== undefined) fields.push("Via", received);
    return fields;
  }
}

/** `OPTIONS *`, and OPTIONS that has used up its `Max-Forwards`, ask about this server and not the origin (RFC 9110 §7.6.2, §9.3.7). */
function isForUs({ method, target, fields }: ServerExchange): boolean {
  if (method !== "OPTIONS") return false;
  const hops = findField(fields, "max-forwards");
  return target === "*" || (hops !== undefined && DIGITS.test(hops) && Number(hops) === 0);
}

/** Throws `HttpError` for what is not for a gateway, or not for this one. */
function refuseOthers({ method, target, fields }: ServerExchange, via: string | undefined): void {
  if (method === "CONNECT" || method === "TRACE") {
    const refusal = { code: "proxy/method", expose: true, report: false };
    throw new HttpError(501, `This proxy does not do ${method}`, refusal);
  }
  if (target.charCodeAt(0) !== SLASH) {
    throw new HttpError(421, "This is no forward proxy: ask for a path", { code: "proxy/absolute-target" });
  }
  if (via !== undefined && cameThrough(joinField(fields, "via"), via)) {
    throw new HttpError(508, "This request has come through this proxy before", { code: "proxy/loop", expose: true });
  }
}

/** Whether it is to become a WebSocket. Other protocols are not for a gateway to speak of: `Upgrade` does not travel on (RFC 9110 §7.8). */
function asksForUpgrade({ fields }: ServerExchange): boolean {
  return hasToken(fields, "upgrade", "websocket") && hasToken(fields, "connection", "upgrade");
}

/** What is left of `path`; undefined if it is not below `prefix`. */
function withoutPrefix(path: string, prefix: string): string | undefined {
  if (prefix === "") return path;
  if (path === prefix) return "/";
  return path.startsWith(prefix) && path.charCodeAt(prefix.length) === SLASH ? path.slice(prefix.length) : undefined;
}

/** From the question mark on, in the client's spelling. */
function queryPart(target: string): string {
  const mark = target.indexOf("?");
  return mark === -1 ? "" : target.slice(mark);
}

function expectsContinue({ fields, version }: ServerExchange): boolean {
  return version === 11 && findField(fields, "expect")?.toLowerCase() === "100-continue";
}

/** RFC 9110 §15.2: a proxy passes interim answers on, except those that it asked for itself. */
function passInterim(exchange: ServerExchange, status: number, fields: FieldLines): void {
  if (status > 101) exchange.inform(status, endToEndFields(fields, isNothing));
}

function isNothing(): boolean {
  return false;
}

/** Whether the list in a field has `token`, in lower case; what follows a semicolon is a parameter. */
function hasToken(fields: FieldLines, name: string, token: string): boolean {
  const list = joinField(fields, name);
  if (list === undefined) return false;
  return list.split(",").some((entry) => entry.split(";")[0]?.trim().toLowerCase() === token);
}
