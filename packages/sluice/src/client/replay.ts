/** When the client sends a request again on its own account: nobody asked for a retry, and nobody is told of one. */
import { SluiceError } from "../errors.js";
import { isIdempotent } from "../http/methods.js";
import type { Http1ClientLink } from "../wire/http1-client-link.js";
import type { ClientRequest } from "./request.js";

/**
 * Whether `request` may leave once more after `error` broke `link` before anything was answered: the connection had been used before, so
 * that the server most probably closed it while the request was on its way, and the request is idempotent (RFC 9110 §9.2.2).
 */
export function mayReplay(request: ClientRequest, link: Http1ClientLink, error: Error): boolean {
  const lost = error instanceof SluiceError && error.code.startsWith("connection/");
  return lost && link.exchanges > 1 && isIdempotent(request.method) && request.resendable;
}
