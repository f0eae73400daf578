/**
 * One exchange for several callers. It has a life of its own, no caller's: it goes on while one of them is there, and is cancelled when
 * the last one has left. Joining is possible until the answer is there.
 */
import { abortError, onAbort } from "../../../concurrency/abort.js";
import type { Next } from "../../middleware.js";
import { ClientRequest } from "../../request.js";
import type { RequestScope } from "../../request-scope.js";
import type { ClientResponse } from "../../response.js";
import { SharedBody } from "./shared-body.js";

/** See the head of this file. */
export class Flight {
  readonly #scope: RequestScope;
  readonly #maxBuffer: number;
  readonly #landed: () => void;
  readonly #answered: Promise<ClientResponse>;
  /** The callers that wait for the answer; each is given its response when that is there. */
  readonly #waiting = new Map<ClientRequest, ClientResponse | undefined>();

  /** Sends `request` for all who join. `landed`: called when nobody can join any more, perhaps twice. */
  constructor(request: ClientRequest, next: Next, maxBuffer: number, landed: () => void) {
    const { method, target, fields, settings, scope, trust } = request;
    this.#maxBuffer = maxBuffer;
    this.#landed = landed;
    // No limit of its own: each caller has one.
    this.#scope = scope.detached(Number.POSITIVE_INFINITY);
    this.#scope.tracer = scope.tracer;
    this.#scope.callSite = scope.callSite;
    const shared = new ClientRequest(method, target, [...fields], undefined, settings, this.#scope, trust);
    this.#answered = this.#fly(shared, next).finally(landed);
    // Each caller awaits it; when all have left, nobody does.
    this.#answered.catch(() => undefined);
  }

  /** The answer for one more caller. `next` is its own way, for an answer that cannot be shared. */
  async join(request: ClientRequest, next: Next): Promise<ClientResponse> {
    this.#waiting.set(request, undefined);
    const stopListening = onAbort(request.signal, () => this.#leave(request));
    try {
      await this.#answered;
    } finally {
      stopListening();
    }
    const own = this.#waiting.get(request);
    this.#waiting.delete(request);
    if (own !== undefined) return own;
    if (request.scope.cancelled) throw request.scope.reason;
    // Not to be shared, or the caller came in the very moment of the answer.
    return next(request);
  }

  async #fly(shared: ClientRequest, next: Next): Promise<ClientResponse> {
    let response: ClientResponse;
    try {
      response = await next(shared);
    } catch (error) {
      this.#scope.end();
      throw error;
    }
    response.endsScope();
    const callers = [...this.#waiting.keys()];
    const sharers = variesByAll(response) ? callers.slice(0, 1) : callers;
    const body = new SharedBody(response, this.#maxBuffer);
    for (const caller of sharers) this.#waiting.set(caller, body.responseFor(caller));
    body.start();
    return response;
  }

  #leave(request: ClientRequest): void {
    if (this.#waiting.get(request) !== undefined) return;
    this.#waiting.delete(request);
    if (this.#waiting.size > 0) return;
    this.#landed();
    this.#scope.cancel(abortError("Everybody who waited for the answer has left"));
  }
}

/** RFC 9110 §12.5.5: what it was chosen by is not known, so that it answers no other request. */
function variesByAll(response: ClientResponse): boolean {
  return response.headers.get("vary")?.includes("*") === true;
}
