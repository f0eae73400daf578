/**
 * Redirects (RFC 9110 §15.4): which answers are followed, with which method and body, and what of the request may go along.
 *
 * Secrets stay home: to another origin, or from https to http, only `accept`, `accept-language` and `user-agent` of the caller's
 * and the session's fields travel, and what describes a body that goes along; what authenticates does not.
 */
import { describeError, InvalidUrlError, type SluiceError, TooManyRedirectsError, UsageError } from "../errors.js";
import { fieldsWithout } from "./field-lines.js";
import type { Next } from "./middleware.js";
import type { ClientRequest } from "./request.js";
import { parseAbsolute, RequestUrl, toHttpScheme } from "./request-url.js";
import type { ClientResponse } from "./response.js";

/** What crosses origins: says what the client understands, and nothing of who it is. */
export const TRAVELS: ReadonlySet<string> = new Set(["accept", "accept-language", "user-agent"]);
/** Describes a body: goes where the body goes, and nowhere else. */
export const ABOUT_THE_BODY: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "content-encoding",
  "content-language",
  "content-location",
  // Says that this is the same request as before, which holds wherever it is sent.
  "idempotency-key",
]);

/** Other rules for the way from a redirection to the next request than those of this file: `session.fetch` has the standard's. */
export interface RedirectRules {
  /** The request that `response` asks for in place of `request`. Throws for one that cannot be. */
  nextHop(request: ClientRequest, response: ClientResponse): ClientRequest;
}

const SESSION_RULES: RedirectRules = { nextHop };

/** Whether the status is a redirection to follow and says where to (RFC 9110 §15.4.2–§15.4.9). */
export function isRedirect(response: ClientResponse): boolean {
  const { status } = response;
  if (status < 301 || status > 308) return false;
  return status !== 304 && status !== 305 && status !== 306 && response.location !== undefined;
}

/** Sends `request` and goes where the answers lead, as `redirect` and `maxRedirects` allow. */
export async function sendFollowing(request: ClientRequest, next: Next): Promise<ClientResponse> {
  // A retry begins where the request began, wherever the try before had been led.
  request.tracer?.concerns(request.method, request.target.show(request.settings.showQuery));
  const response = await next(request);
  return isRedirect(response) ? followFrom(request, response, next) : response;
}

/** Goes on from the first redirection. */
export async function followFrom(request: ClientRequest, first: ClientResponse, next: Next): Promise<ClientResponse> {
  const { redirect, maxRedirects, redirects: rules = SESSION_RULES } = request.settings;
  if (redirect === "manual") return first;
  const history: ClientResponse[] = [];
  let current = request;
  let response = first;
  while (isRedirect(response)) {
    response.discard();
    if (redirect === "error")
      throw refusal(
        current,
        "redirect/refused",
        `Answered ${response.status} with a redirect, which this request refuses`,
      );
    if (history.length >= maxRedirects) {
      const message = `Redirected ${history.length + 1} times, the limit is ${maxRedirects} (maxRedirects)`;
      throw describe(current, new TooManyRedirectsError("redirect/too-many", message, { phase: "redirect" }));
    }
    history.push(response);
    current = rules.nextHop(current, response);
    const { tracer } = request;
    if (tracer !== undefined) {
      const to = current.target.show(request.settings.showQuery);
      tracer.emit("requestRedirect", { status: response.status, to });
      tracer.concerns(current.method, to);
    }
    response = await next(current);
  }
  return response.withHistory(history);
}

/** The request that a redirection asks for. */
function nextHop(request: ClientRequest, response: ClientResponse): ClientRequest {
  const target = redirectTarget(request, response);
  const sameOrigin = target.origin === request.target.origin;
  const downgraded = request.target.secure && !target.secure;
  if (downgraded && !request.settings.allowInsecureRedirect) {
    throw refusal(
      request,
      "redirect/insecure",
      "Redirected from https to http, which needs `allowInsecureRedirect: true`",
    );
  }
  const toGet = becomesGet(response.status, request.method);
  const fields = fieldsWithout(request.fields, (name) => {
    if (ABOUT_THE_BODY.has(name)) return toGet;
    return !sameOrigin && !TRAVELS.has(name);
  });
  const trust = sameOrigin ? request.trust : "none";
  if (toGet) return request.with({ method: "GET", target, fields, payload: undefined, trust });
  if (!request.resendable) {
    throw refusal(
      request,
      "redirect/body-not-replayable",
      `Redirected with ${response.status}, which sends the body again, but a stream can be sent only once; pass a function that makes it`,
    );
  }
  return request.with({ target, fields, trust });
}

function redirectTarget(request: ClientRequest, response: ClientResponse): RequestUrl {
  try {
    const url = parseAbsolute(asUtf8(response.location ?? ""), request.url);
    if (request.upgrades) toHttpScheme(url);
    // RFC 9110 §10.2.2: a Location without a fragment inherits that of the URL that led here.
    if (url.hash === "") url.hash = request.target.hash;
    // Credentials chosen by the server are not ours to use.
    url.username = "";
    url.password = "";
    return new RequestUrl(url);
  } catch (error) {
    if (!(error instanceof InvalidUrlError)) throw error;
    throw describe(
      request,
      new InvalidUrlError("redirect/invalid-location", `Redirected to where it cannot go: ${error.message}`),
    );
  }
}

/** Location is ASCII (RFC 9110 §10.2.2); servers that send more mean UTF-8, which was read as one character a byte. */
export function asUtf8(location: string): string {
  return /[\u0080-\u00ff]/.test(location) ? Buffer.from(location, "latin1").toString("utf8") : location;
}

/** RFC 9110 §15.4.2–4: 303 is answered by another resource; for 301 and 302, POST became GET in practice and stays so. */
export function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

function refusal(request: ClientRequest, code: string, message: string): SluiceError {
  return describe(request, new UsageError(code, message, { phase: "redirect" }));
}

function describe<T extends SluiceError>(request: ClientRequest, error: T): T {
  return describeError(error, request.scope.context());
}
