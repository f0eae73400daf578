/**
 * What becomes of a request whose body waits for 100 (Continue) when a final answer comes first (RFC 9110 §10.1.1): 417 is sent
 * again without the expectation, once; any other answer is the answer. The body may still be sent then, by a redirect or with
 * credentials; when the request has its outcome, the session releases it.
 */
import type { Next } from "./middleware.js";
import type { ClientRequest } from "./request.js";
import type { ClientResponse } from "./response.js";

const EXPECTATION_FAILED = 417;
/** `expectContinue: true` in milliseconds: longer than most answers take, short enough to lose to a server that knows no 100. */
export const DEFAULT_CONTINUE_WAIT_MS = 1_000;

/** Sends a request with an expectation by `send`. */
export async function sendExpecting(request: ClientRequest, send: Next): Promise<ClientResponse> {
  const response = await send(request);
  if (response.status !== EXPECTATION_FAILED || !request.resendable) return response;
  response.discard();
  return send(request.with({ settings: { ...request.settings, expectContinue: 0 } }));
}
