/**
 * Redirects as the Fetch standard has them (§4.4 "HTTP-redirect fetch"), in place of the session's own rules. To another origin
 * go the headers that the caller of `fetch` set, but for credentials; what the session added stays home, as it always does. A
 * redirect from https to http is followed: refusing that is a browser's business (Mixed Content).
 */
import { describeError, InvalidUrlError, type SluiceError, UsageError } from "../../errors.js";
import type { FieldLines } from "../../http1/sinks.js";
import { fieldsWithout, hasField } from "../field-lines.js";
import { ABOUT_THE_BODY, asUtf8, becomesGet, type RedirectRules, TRAVELS } from "../redirects.js";
import type { ClientRequest } from "../request.js";
import { parseAbsolute, RequestUrl } from "../request-url.js";
import type { ClientResponse } from "../response.js";
import type { FetchRequest } from "./fetch-request.js";
import { referrerFor } from "./referrer.js";

/** Never to another origin, whoever set them. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "proxy-authorization", "cookie", "host"]);

/** The rules for one request of `fetch`. `sent`: the caller's headers, and those that its options stand for. */
export function fetchRedirects(asked: FetchRequest, sent: FieldLines): RedirectRules {
  return { nextHop: (request, response) => nextHop({ asked, sent }, request, response) };
}

interface Rules {
  readonly asked: FetchRequest;
  readonly sent: FieldLines;
}

function nextHop(rules: Rules, request: ClientRequest, response: ClientResponse): ClientRequest {
  const { status } = response;
  const target = targetOf(request, response);
  const sameOrigin = target.origin === request.target.origin;
  if (rules.asked.mode === "same-origin" && !sameOrigin) {
    throw refusal(request, "redirect/refused", 'Redirected to another origin, which mode "same-origin" refuses');
  }
  if (status !== 303 && request.payload !== undefined && !request.replayable) {
    const message = `Redirected with ${status}, which sends the body again, but a stream can be sent only once`;
    throw refusal(request, "redirect/body-not-replayable", message);
  }
  const toGet = becomesGet(status, request.method);
  const fields = fieldsWithout(request.fields, (name) => {
    if (ABOUT_THE_BODY.has(name)) return toGet;
    return !sameOrigin && !travels(name, rules.sent, request);
  });
  const trust = sameOrigin ? request.trust : "none";
  const hop = { target, fields: withReferrer(fields, rules.asked, target.url), trust } as const;
  return request.with(toGet ? { ...hop, method: "GET", payload: undefined } : hop);
}

/** The referrer is cut down for each target anew (§4.1 "main fetch", step 8); a header of the caller's own stays. */
function withReferrer(fields: string[], asked: FetchRequest, target: URL): string[] {
  if (asked.referrer === undefined || hasField(asked.fields, "referer")) return fields;
  const kept = fieldsWithout(fields, (name) => name === "referer");
  const referrer = referrerFor(asked.referrerPolicy, asked.referrer, target);
  if (referrer !== undefined) kept.push("referer", referrer);
  return kept;
}

/** Whether a header may go to another origin. */
function travels(name: string, sent: FieldLines, request: ClientRequest): boolean {
  if (TRAVELS.has(name)) return true;
  if (CREDENTIALS.has(name) || request.settings.secretFields?.has(name) === true) return false;
  return hasField(sent, name);
}

function targetOf(request: ClientRequest, response: ClientResponse): RequestUrl {
  try {
    const url = parseAbsolute(asUtf8(response.location ?? ""), request.url);
    if (url.hash === "") url.hash = request.target.hash;
    // Step 9: a request has no origin of its own here, so no Location is of the same.
    if (url.username !== "" || url.password !== "") {
      throw new InvalidUrlError("url/invalid", "the Location includes credentials");
    }
    return new RequestUrl(url);
  } catch (error) {
    if (!(error instanceof InvalidUrlError)) throw error;
    const message = `Redirected to where it cannot go: ${error.message}`;
    throw describeError(new InvalidUrlError("redirect/invalid-location", message), request.scope.context());
  }
}

function refusal(request: ClientRequest, code: string, message: string): SluiceError {
  return describeError(new UsageError(code, message, { phase: "redirect" }), request.scope.context());
}
