/**
 * The short way: one shared session for programs that need no other. It keeps no cookies, and nothing of it keeps the process
 * alive; the pool's limits and the time-outs are those of any session.
 */
import type { RequestOptions } from "./options.js";
import type { RequestPromise } from "./request-promise.js";
import { ClientSession } from "./session.js";
import { remember } from "./warnings.js";

let shared: ClientSession | undefined;

function defaultSession(): ClientSession {
  if (shared === undefined) {
    shared = new ClientSession({ cookies: false });
    // It lives as long as the process: not closing it is right.
    remember(shared);
  }
  return shared;
}

/** Makes a request on the shared default session. */
export function request(method: string, url: string | URL, options?: RequestOptions): RequestPromise {
  return defaultSession().request(method, url, options);
}

/** GET: asks for what `url` names (RFC 9110 §9.3.1). */
export function get(url: string | URL, options?: RequestOptions): RequestPromise {
  return request("GET", url, options);
}

/** HEAD: as GET, but only the head of the answer comes (RFC 9110 §9.3.2). */
export function head(url: string | URL, options?: RequestOptions): RequestPromise {
  return request("HEAD", url, options);
}

/** POST: has the body processed (RFC 9110 §9.3.3). */
export function post(url: string | URL, options?: RequestOptions): RequestPromise {
  return request("POST", url, options);
}

/** PUT: makes the body what `url` names (RFC 9110 §9.3.4). */
export function put(url: string | URL, options?: RequestOptions): RequestPromise {
  return request("PUT", url, options);
}

/** PATCH: changes what `url` names as the body says (RFC 5789). */
export function patch(url: string | URL, options?: RequestOptions): RequestPromise {
  return request("PATCH", url, options);
}

/** `delete` is a reserved word. */
export function del(url: string | URL, options?: RequestOptions): RequestPromise {
  return request("DELETE", url, options);
}

/** QUERY: safe and idempotent, with a body. */
export function query(url: string | URL, options?: RequestOptions): RequestPromise {
  return request("QUERY", url, options);
}
