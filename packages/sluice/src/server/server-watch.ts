import type { Responder, ServerExchange } from "./exchange.js";

/** What the tools for tests see of an application that serves: `Application.listenWatched` takes it. @internal */
export interface ServerWatch {
  /** Stands round the application's responder, for one server. */
  around(responder: Responder): Responder;
  /** Whether the exchange is one of that server's, and unanswered. */
  watches(exchange: ServerExchange): boolean;
  /** `present` stands in for `former`, one of these, until that is answered. */
  onOutlived(former: ServerExchange, present: ServerExchange): void;
  /** Told of every error that concerns these, or none, in place of the report on standard error. */
  onError(error: unknown, exchange: ServerExchange | undefined): void;
}
