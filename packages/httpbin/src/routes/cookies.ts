/** Cookies: shown, set and deleted. */

import { type Application, HttpError, isSluiceError, type Reply, reply, type ServerRequest } from "sluice/server";
import { jsonReply } from "../json-reply.js";

const COOKIE_LIST = "/cookies";

/** `/cookies`, `/cookies/set`, `/cookies/set/:name/:value`, `/cookies/delete`. */
export function addCookieRoutes(app: Application): void {
  app.get("/cookies", ({ cookies }) => {
    const shown: Record<string, string> = Object.assign(Object.create(null), Object.fromEntries(cookies));
    return jsonReply({ cookies: shown });
  });
  app.get("/cookies/set", (request) => setAll(request, request.query));
  app.get("/cookies/set/:name/:value", (request) => {
    const { name, value } = request.params;
    return setAll(request, [[name, value]]);
  });
  app.get("/cookies/delete", ({ query }) => {
    const answer = reply.redirect(COOKIE_LIST);
    // Max-Age counts; Expires is for clients from before RFC 6265, and for comparing with other httpbins.
    for (const name of new Set(query.keys())) refusing(() => answer.deleteCookie(name, { expires: 0 }));
    return answer;
  });
}

/** Of several values of one name, the first. */
function setAll(request: ServerRequest<unknown>, pairs: Iterable<readonly [string, string]>): Reply {
  const answer = reply.redirect(COOKIE_LIST);
  const names = new Set<string>();
  for (const [name, value] of pairs) {
    if (names.has(name)) continue;
    names.add(name);
    refusing(() => answer.setCookie(name, value, { secure: request.protocol === "https" }));
  }
  return answer;
}

/** What cannot be a cookie is the client's mistake here, not ours. */
function refusing(job: () => unknown): void {
  try {
    job();
  } catch (cause) {
    if (!isSluiceError(cause)) throw cause;
    throw new HttpError(400, cause.message, { cause });
  }
}
