/** What an application says about a request that is about to become a socket. */

import type { HeadersSource } from "../../http/headers.js";
import type { Reply } from "../reply.js";
import type { ServerRequest } from "../request/server-request.js";

/** What a client offers, for a hook that chooses. */
export interface UpgradeOffer {
  /** The sub-protocols the client offers, the one it likes best first (RFC 6455 §1.9). */
  readonly protocols: readonly string[];
  /** The one that the route's `protocols` choose. */
  readonly protocol: string | undefined;
}

/** The terms of an upgrade. Unknown members are refused, so that what is meant for the handler is not lost: it belongs into `data`. */
export interface UpgradeTerms {
  /** Given to the handler as its third argument. */
  readonly data?: unknown;
  /** In place of the sub-protocol that the route would choose; one of those offered. */
  readonly protocol?: string | undefined;
  /** Field lines of the 101 answer, such as `Set-Cookie`. None that belong to the handshake. */
  readonly headers?: HeadersSource | undefined;
}

/** What a hook may return: terms, nothing, or a reply that is sent instead of an upgrade. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that only refuses returns nothing, and says so as functions do.
export type UpgradeResult = UpgradeTerms | Reply | undefined | void;

/** Looks at a request before it becomes a socket. What it throws is answered as what a handler throws: `new HttpError(401)`. */
export type UpgradeHook<Params, Result extends UpgradeResult> = (
  request: ServerRequest<Params>,
  offer: UpgradeOffer,
) => Result | Promise<Result>;

/** What the handler is given of a hook's result. */
export type UpgradeData<Result> = Result extends Reply
  ? never
  : Result extends { readonly data: infer Data }
    ? Data
    : undefined;
