/** A `Request` as an exchange: what a connection would have made of it, had it come over one. */

import { Body } from "../../body/body.js";
import { ConnectionLostError } from "../../errors.js";
import type { FieldLines } from "../../http1/sinks.js";
import type { PeerInfo } from "../../net/transport.js";
import type { ServerExchange } from "../exchange.js";
import type { Reply } from "../reply.js";
import { StreamFeed } from "./stream-feed.js";

const HTTP_11 = 11;
/** Who asks is the caller's knowledge. */
const NOBODY: PeerInfo = Object.freeze({
  remoteAddress: undefined,
  remotePort: undefined,
  localAddress: undefined,
  localPort: undefined,
  tls: undefined,
});

/** See the head of this file. */
export class RequestExchange implements ServerExchange {
  readonly method: string;
  readonly target: string;
  readonly version = HTTP_11;
  readonly fields: FieldLines;
  readonly hasBody: boolean;
  readonly secure: boolean;
  readonly #request: Request;
  #body: Body | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #gone: Error | undefined = undefined;
  #ended = false;

  constructor(request: Request) {
    const url = new URL(request.url);
    this.#request = request;
    this.method = request.method;
    this.target = url.pathname + url.search;
    this.fields = fieldsOf(request, url);
    this.hasBody = request.body !== null;
    this.secure = url.protocol === "https:";
    request.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  get body(): Body {
    this.#body ??= this.#request.body === null ? Body.empty() : StreamFeed.bodyOf(this.#request.body);
    return this.#body;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone !== undefined) this.#controller.abort(this.#gone);
    }
    return this.#controller.signal;
  }

  peer(): PeerInfo {
    return NOBODY;
  }

  /** There is no place for interim responses in a `Response`. */
  inform(): void {}

  /** `answer`, or the reason of the abort if that comes first: the reply is released then when it comes. */
  unlessAborted(answer: Reply | Promise<Reply>): Reply | Promise<Reply> {
    if (!(answer instanceof Promise)) return answer;
    const { signal } = this.#request;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        reject(signal.reason);
        // A responder does not reject.
        void answer.then((reply) => this.#giveUp(reply));
      };
      signal.addEventListener("abort", onAbort, { once: true });
      const settle = (): void => signal.removeEventListener("abort", onAbort);
      answer.then(
        (reply) => {
          settle();
          resolve(reply);
        },
        (error: unknown) => {
          settle();
          reject(error);
        },
      );
    });
  }

  /** Nobody waits for the rest of the answer any more: what a connection's end is elsewhere. */
  leave(reason: Error): void {
    if (this.#ended) return;
    this.#gone ??= reason;
    this.#controller?.abort(this.#gone);
    this.end();
  }

  /** The answer is complete. */
  end(): void {
    this.#ended = true;
    this.#request.signal.removeEventListener("abort", this.#onAbort);
  }

  #giveUp(reply: Reply): void {
    reply.discard();
    reply.onSent?.(0, callerGone(this.#gone));
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#request.signal;
    this.leave(reason instanceof Error ? reason : new DOMException(String(reason), "AbortError"));
  };
}

/** What a connection's end is elsewhere: nobody's fault, and not reported. */
export function callerGone(cause: unknown): ConnectionLostError {
  return new ConnectionLostError("server/client-gone", "Cannot complete the answer: its caller has gone", { cause });
}

/** A `Request` has no `Host` unless somebody set one. */
function fieldsOf(request: Request, url: URL): FieldLines {
  const fields: string[] = request.headers.has("host") ? [] : ["host", url.host];
  for (const [name, value] of request.headers) fields.push(name, value);
  return fields;
}
