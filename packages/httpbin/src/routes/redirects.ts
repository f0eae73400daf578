/** Going elsewhere, once or several times. */

import { type Application, HttpError, type Reply, reply, type ServerRequest } from "sluice/server";
import { ANY_METHOD } from "../methods.js";
import { countInPath, valueInQuery } from "../numbers.js";

const DEFAULT_STATUS = 302;
const REDIRECT_STATUS = /^3[0-9]{2}$/;
const LAST_STOP = "/get";

/** `/redirect/:n`, `/relative-redirect/:n`, `/absolute-redirect/:n`, `/redirect-to`. */
export function addRedirectRoutes(app: Application): void {
  app.get("/redirect/:n", (request) => {
    const absolute = request.query.get("absolute")?.toLowerCase() === "true";
    return nextStop(request, request.params.n, absolute ? "absolute" : "relative");
  });
  app.get("/relative-redirect/:n", (request) => nextStop(request, request.params.n, "relative"));
  app.get("/absolute-redirect/:n", (request) => nextStop(request, request.params.n, "absolute"));
  app.route(ANY_METHOD, "/redirect-to", ({ query }) => redirectTo(query));
}

/** One redirect nearer to `/get`. */
function nextStop(request: ServerRequest<unknown>, stops: string, kind: "relative" | "absolute"): Reply {
  const left = countInPath(stops);
  if (left === 0) throw new HttpError(400, "Cannot redirect 0 times: expected 1 or more");
  const path = left === 1 ? LAST_STOP : `/${kind}-redirect/${left - 1}`;
  return reply.redirect(kind === "absolute" ? new URL(path, request.url) : path);
}

function redirectTo(query: URLSearchParams): Reply {
  const url = valueInQuery(query, "url");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (url === undefined || url === "" || /[\u0000-\u001f\u007f-\u009f]/.test(url)) {
    throw new HttpError(400, "Cannot redirect: expected a url without control characters");
  }
  const answer = reply.redirect(url);
  const status = valueInQuery(query, "status_code");
  // As in httpbin, a status that does not redirect is passed over.
  answer.status = status !== undefined && REDIRECT_STATUS.test(status) ? Number(status) : DEFAULT_STATUS;
  return answer;
}
