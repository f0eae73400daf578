/** `/digest-auth`: a resource that wants the credentials in its own path, by Digest (RFC 7616). Nonces are bounded in number. */

import { type Application, type Reply, reply, type ServerRequest } from "sluice/server";
import {
  authenticationInfo,
  challenges,
  countOnce,
  type DigestCredentials,
  type DigestSubject,
  type DigestWish,
  type IssuedNonce,
  isRightAnswer,
  issueNonce,
  knownAlgorithm,
  parseDigestCredentials,
} from "../digest.js";
import { jsonReply, jsonText } from "../json-reply.js";
import { ANY_METHOD } from "../methods.js";
import { valueInQuery } from "../numbers.js";
import { RecentMap } from "../recent-map.js";
import type { Service } from "../service.js";

const UNAUTHORIZED = 401;
const REALM = "Fake Realm";
const EVERY_ALGORITHM = ["SHA-512-256", "SHA-256", "MD5"];
const PATH = "/digest-auth/:qop/:user/:passwd";

/** `/digest-auth/:qop/:user/:passwd`, with an algorithm, and with how many requests a nonce is good for. */
export function addDigestRoutes(app: Application, service: Service): void {
  const nonces = new RecentMap<IssuedNonce>(service.maxKeys);
  app.route(ANY_METHOD, PATH, (request) => checkDigest(request, request.params, nonces));
  app.route(ANY_METHOD, `${PATH}/:algorithm`, (request) => checkDigest(request, request.params, nonces));
  app.route(ANY_METHOD, `${PATH}/:algorithm/:stale_after`, (request) => checkDigest(request, request.params, nonces));
}

interface DigestParams {
  readonly user: string;
  readonly passwd: string;
  readonly qop: string;
  readonly algorithm?: string;
  readonly stale_after?: string;
}

/**
 * RFC 7616. `algorithm` is any of six, or `all` for three challenges; `qop` one of the two, `none`, or else both; a nonce is
 * good for `stale_after` requests. In the query: `userhash`, `nextnonce` (each answer has one) and `domain`.
 */
async function checkDigest(
  request: ServerRequest<unknown>,
  params: DigestParams,
  nonces: RecentMap<IssuedNonce>,
): Promise<Reply> {
  const wish = wishOf(params, request.query);
  const credentials = parseDigestCredentials(request.headers.get("authorization"));
  const subject: DigestSubject = {
    method: request.method,
    target: request.target,
    body: request.hasBody ? await request.bytes() : new Uint8Array(0),
    user: params.user,
    passwd: params.passwd,
    realm: REALM,
  };
  const uses = /^\d{1,9}$/.test(params.stale_after ?? "") ? Number(params.stale_after) : Number.POSITIVE_INFINITY;
  const refuse = (stale: boolean): Reply => {
    const issued = issueNonce(uses);
    nonces.set(issued.nonce, issued);
    const refusal = reply.empty({ status: UNAUTHORIZED });
    for (const challenge of challenges(wish, issued.nonce, stale))
      refusal.headers.append("WWW-Authenticate", challenge);
    return refusal;
  };
  const algorithm = knownAlgorithm(credentials?.get("algorithm") ?? "MD5");
  if (credentials === undefined || algorithm === undefined || !isAsWished(credentials, wish, algorithm)) {
    return refuse(false);
  }
  const issued = nonces.get(credentials.get("nonce") ?? "");
  const session = issued?.session ?? { nonce: credentials.get("nonce") ?? "", cnonce: credentials.get("cnonce") ?? "" };
  if (!isRightAnswer(credentials, subject, algorithm, session)) return refuse(false);
  if (issued === undefined || issued.usesLeft < 1 || !countOnce(issued, credentials.get("nc"))) return refuse(true);
  issued.usesLeft -= 1;
  issued.session = session;
  const next = valueInQuery(request.query, "nextnonce") === undefined ? undefined : issueNonce(uses, session);
  if (next !== undefined) nonces.set(next.nonce, next);
  const answer = { authenticated: true, user: params.user };
  const info = { algorithm, session, answer: jsonText(answer), nextnonce: next?.nonce };
  return jsonReply(answer, { headers: { "Authentication-Info": authenticationInfo(credentials, subject, info) } });
}

function wishOf({ qop, algorithm = "MD5" }: DigestParams, query: URLSearchParams): DigestWish {
  const qops: Readonly<Record<string, string | undefined>> = { auth: "auth", "auth-int": "auth-int", none: undefined };
  const domain = valueInQuery(query, "domain");
  return {
    realm: REALM,
    algorithms: algorithm.toLowerCase() === "all" ? EVERY_ALGORITHM : [knownAlgorithm(algorithm) ?? "MD5"],
    qop: Object.hasOwn(qops, qop) ? qops[qop] : "auth,auth-int",
    userhash: valueInQuery(query, "userhash") !== undefined,
    // It goes into a quoted string.
    domain: domain === undefined ? undefined : domain.replace(/[^\x20-\x7e]|["\\]/g, ""),
  };
}

/** Whether an answer is of the kind that was asked for: a weaker one would be no answer. */
function isAsWished(credentials: DigestCredentials, wish: DigestWish, algorithm: string): boolean {
  const qop = credentials.get("qop");
  const isOffered = wish.qop === undefined ? qop === undefined : wish.qop.split(",").includes(qop ?? "");
  const counted = qop === undefined || (credentials.has("nc") && credentials.has("cnonce"));
  return isOffered && counted && credentials.get("realm") === REALM && wish.algorithms.includes(algorithm);
}
