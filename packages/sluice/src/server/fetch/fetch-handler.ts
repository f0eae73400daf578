/** Fetch-style applications, as many frameworks are them. */

import type { FetchContext } from "./fetch-context.js";

/** Answers requests by the Fetch standard. The context comes twice: as hono's `c.env`, and as its `c.executionCtx`. */
export type FetchHandler = (
  request: Request,
  context: FetchContext,
  executionContext: FetchContext,
) => Response | Promise<Response>;

/** Anything with such a function: a hono or h3 application, a module whose default export is one. */
export interface FetchApplication {
  fetch(request: Request, context: FetchContext, executionContext: FetchContext): Response | Promise<Response>;
}
