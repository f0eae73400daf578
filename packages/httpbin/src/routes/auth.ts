/** Endpoints that want credentials: those in their own path, or any token. Digest has a file of its own. */

import { type Application, basicAuth, bearerAuth, HttpError, type Middleware, type Reply, reply } from "sluice/server";
import { jsonReply } from "../json-reply.js";
import { statusReply } from "../status-reply.js";

const UNAUTHORIZED = 401;
const NOT_FOUND = 404;
/** What the middleware says: malformed, or missing or wrong. */
const REFUSALS: ReadonlySet<number> = new Set([400, UNAUTHORIZED]);

/** `/basic-auth/:user/:passwd`, `/hidden-basic-auth/:user/:passwd`, `/bearer`. */
export function addAuthRoutes(app: Application): void {
  const user = app.key<string>("user");
  const inPath = basicAuth({
    realm: "Fake Realm",
    key: user,
    verify: (username, password, { params }) => {
      const wanted = params as { readonly user?: string; readonly passwd?: string };
      return username === wanted.user && password === wanted.passwd;
    },
  });
  const welcome = (request: Parameters<Middleware>[0]) => jsonReply({ authenticated: true, user: request.get(user) });
  app.get("/basic-auth/:user/:passwd", [refusingBy(() => statusReply(UNAUTHORIZED)), inPath], welcome);
  app.get("/hidden-basic-auth/:user/:passwd", [refusingBy(() => statusReply(NOT_FOUND)), inPath], welcome);

  const token = app.key<string>("token");
  const challenge = () => reply.empty({ status: UNAUTHORIZED, headers: { "WWW-Authenticate": "Bearer" } });
  const anyToken = bearerAuth({ key: token, verify: () => true });
  app.get("/bearer", [refusingBy(challenge), anyToken], (request) =>
    jsonReply({ authenticated: true, token: request.get(token) }),
  );
}

/** As in httpbin, a refusal has no words, whatever is wrong with the credentials. */
function refusingBy(refuse: () => Reply): Middleware {
  return async (_request, next) => {
    try {
      return await next();
    } catch (error) {
      if (error instanceof HttpError && REFUSALS.has(error.status)) return refuse();
      throw error;
    }
  };
}
