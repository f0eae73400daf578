/** A folder of files as handlers. What it takes to serve them is loaded with the first request for one. */

import type { Clock } from "../../concurrency/clock.js";
import type { Handler } from "../middleware-chain.js";
import type { Reply } from "../reply.js";
import { exchangeOf, restOf } from "../request/request-access.js";
import { queryOf } from "../request/request-path.js";
import { redirectToFolder } from "./redirect-to-folder.js";
import type { StaticFiles, StaticRequest } from "./static-files.js";
import { resolveStaticOptions, type StaticOptions } from "./static-options.js";

/** The handlers of one folder. */
export interface StaticRoutes {
  /** For the prefix and all that is behind it; the route's last parameter is the rest of the path. */
  readonly files: Handler;
  /** For the prefix without a slash: sends the client to the one with it. */
  readonly slash: Handler;
}

/** Handlers for the files of `directory`. Throws `UsageError` `options/…`; whether the folder is there shows when it is asked for. */
export function staticRoutes(directory: string, given: StaticOptions, clock: Clock): StaticRoutes {
  const options = resolveStaticOptions(given);
  let files: StaticFiles | undefined;
  const answerFirst = async (asked: StaticRequest): Promise<Reply> => {
    const { StaticFiles } = await import("./static-files.js");
    files ??= new StaticFiles(directory, options, clock);
    return files.answer(asked);
  };
  return {
    files(request) {
      const asked = {
        method: request.method,
        fields: exchangeOf(request).fields,
        rest: restOf(request),
        query: queryOf(request.target),
      };
      return files === undefined ? answerFirst(asked) : files.answer(asked);
    },
    slash: (request) => redirectToFolder(request.path, queryOf(request.target)),
  };
}
