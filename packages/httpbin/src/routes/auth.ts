/** Endpoints that want credentials: those in their own path, or any token. Digest has a file of its own. */

import { type Application, type Reply, reply, type ServerRequest } from "sluice/server";
import { jsonReply } from "../json-reply.js";
import { statusReply } from "../status-reply.js";

const UNAUTHORIZED = 401;
const NOT_FOUND = 404;
const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i;
/** RFC 6750 §2.1; the scheme in any case of letters (RFC 9110 §11.1). */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/** `/basic-auth/:user/:passwd`, `/hidden-basic-auth/:user/:passwd`, `/bearer`. */
export function addAuthRoutes(app: Application): void {
  app.get("/basic-auth/:user/:passwd", (request) => checkBasic(request, request.params, UNAUTHORIZED));
  app.get("/hidden-basic-auth/:user/:passwd", (request) => checkBasic(request, request.params, NOT_FOUND));
  app.get("/bearer", ({ headers }) => {
    const [, token] = BEARER.exec(headers.get("authorization") ?? "") ?? [];
    return token === undefined
      ? reply.empty({ status: UNAUTHORIZED, headers: { "WWW-Authenticate": "Bearer" } })
      : jsonReply({ authenticated: true, token });
  });
}

interface Credentials {
  readonly user: string;
  readonly passwd: string;
}

function checkBasic(request: ServerRequest<unknown>, wanted: Credentials, refusal: number): Reply {
  const given = readBasic(request.headers.get("authorization"));
  if (given?.user !== wanted.user || given.passwd !== wanted.passwd) return statusReply(refusal);
  return jsonReply({ authenticated: true, user: wanted.user });
}

/** RFC 7617 §2: base64 of name, colon, password; the name has no colon. */
function readBasic(field: string | null): Credentials | undefined {
  const [, encoded] = BASIC.exec(field ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? undefined : { user: text.slice(0, colon), passwd: text.slice(colon + 1) };
}
