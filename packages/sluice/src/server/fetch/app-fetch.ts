/**
 * `app.fetch`: an application as a function from `Request` to `Response`, for tests, for other servers and for other runtimes. What it
 * does is loaded by its first call; `Request` and `Response` are not named before.
 */

import type { Responder } from "../exchange.js";
import type { fetchInProcess } from "./in-process.js";

let run: typeof fetchInProcess | undefined;

/** A function that needs no `this`. `responder` is asked for with each call. */
export function appFetch(responder: () => Responder): (request: Request) => Promise<Response> {
  return async (request) => {
    run ??= (await import("./in-process.js")).fetchInProcess;
    return run(responder(), request);
  };
}
