/** One name for a request in the logs of everybody whom it passes: told to the client, and taken from those who may choose it. */

import { isToken } from "../../bytes/char-tables.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireObject } from "../../options.js";
import { randomId } from "../../platform/random.js";
import type { Middleware } from "../middleware-chain.js";
import { identify, trustedId } from "../request/request-access.js";
import { isSaneId } from "../request/request-parts.js";
import type { ServerRequest } from "../request/server-request.js";

/** How requests are named. */
export interface RequestIdOptions {
  /** The field of request and answer. `UsageError` `options/unknown-value` for what is no field name. @default "X-Request-Id" */
  readonly header?: string;
  /** Makes an id: 1 to 128 letters, digits and `._~:+/=@-`, or the request fails. @default a random UUID */
  readonly generate?: (request: ServerRequest) => string;
  /**
   * Whose id is taken over if it is one: "proxy" takes that of `trustProxy`'s proxies, true takes anybody's, for
   * services that only others of your own can reach.
   *
   * @default "proxy"
   */
  readonly trust?: "proxy" | boolean;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof RequestIdOptions>(["header", "generate", "trust"]);
const DEFAULT_HEADER = "X-Request-Id";

/** Adds the request's id to every answer, errors included; it is `request.id` and in the access log as well. */
export function requestId(options: RequestIdOptions = {}): Middleware {
  requireObject("requestId options", options);
  refuseUnknown("requestId", options, OPTION_NAMES);
  const { header = DEFAULT_HEADER, generate = randomId, trust = "proxy" } = options;
  if (typeof header !== "string" || !isToken(header)) {
    throw new UsageError("options/unknown-value", `Cannot use header ${JSON.stringify(header)}: it is no field name`);
  }
  requireFunction("generate", generate);
  const name = header.toLowerCase();
  return function requestId(request, next) {
    const received = receivedId(request, name, trust);
    identify(request, received ?? requireSane(generate(request)));
    request.beforeReply((reply) => reply.headers.set(header, request.id));
    return next();
  };
}

function receivedId(request: ServerRequest, name: string, trust: RequestIdOptions["trust"]): string | undefined {
  if (trust === "proxy") return trustedId(request, name);
  const id = trust === true ? request.headers.get(name) : null;
  return id !== null && isSaneId(id) ? id : undefined;
}

function requireSane(id: string): string {
  if (isSaneId(id)) return id;
  const shown = JSON.stringify(id);
  throw new UsageError("options/unknown-value", `Cannot name a request ${shown}: see the option generate of requestId`);
}
