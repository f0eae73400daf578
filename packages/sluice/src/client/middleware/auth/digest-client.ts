/**
 * Digest authentication over time (RFC 7616): which requests are answered for before they are asked, how a 401 is answered, and
 * what is learned from each answer. The arithmetic is in `digest-answer.ts`, the memory in `digest-spaces.ts`.
 *
 * A request is sent at most three times: with what is remembered, or with nothing; in answer to the challenge; and once more if
 * the server says that only the nonce was too old. Whatever else it says to an answer of ours stands: a wrong password must not
 * be tried until the account is locked.
 */
import { AuthenticationError } from "../../../errors.js";
import { parseAuthenticationInfo } from "../../../http/challenges.js";
import { isSameSecret, tryHash } from "../../../platform/hash.js";
import type { ClientMiddleware, Next } from "../../middleware.js";
import type { ClientRequest } from "../../request.js";
import type { ClientResponse } from "../../response.js";
import { answeredBy, authorized, type CredentialRule } from "./credential-rule.js";
import { asBytes } from "./credentials.js";
import type { ResolvedDigest } from "./digest.js";
import { type DigestRequest, type DigestUser, responseOf, secretOf, writeCredentials } from "./digest-answer.js";
import { type DigestChallenge, type DigestQop, MAX_VALUE_CHARS, strongestChallenge } from "./digest-challenge.js";
import { type DigestSpace, DigestSpaces, prefixesOf } from "./digest-spaces.js";

const MOST_SENDS = 3;

/** An answer on its way. */
interface Sent {
  readonly space: DigestSpace;
  readonly challenge: DigestChallenge;
  readonly request: DigestRequest;
}

/** One with the field value that it is sent as. */
interface Answer extends Sent {
  readonly value: string;
}

/** One user, at as many servers as ask for it. */
export class DigestClient {
  readonly #options: ResolvedDigest;
  readonly #user: DigestUser;
  readonly #spaces = new DigestSpaces();

  constructor(options: ResolvedDigest) {
    this.#options = options;
    const { username, password } = options;
    this.#user = { nameBytes: asBytes(username, "utf-8"), passwordBytes: asBytes(password, "utf-8") };
  }

  middleware(mayHave: CredentialRule): ClientMiddleware {
    return async (request, next) => (mayHave(request) ? this.#send(request, next) : next(request));
  }

  async #send(request: ClientRequest, next: Next): Promise<ClientResponse> {
    const known = this.#options.preemptive ? this.#spaces.find(request) : undefined;
    let sent: Answer | undefined = known === undefined ? undefined : await this.#answer(known, request);
    for (let sends = 1; ; sends += 1) {
      const response = await next(sent === undefined ? request : authorized(request, sent.value));
      if (!answeredBy(request, response)) return response;
      if (response.status !== 401) {
        if (sent !== undefined) this.#learn(sent, response);
        return response;
      }
      const challenge = this.#challengeOf(response);
      if (challenge === undefined) return response;
      if (sent !== undefined && this.#isFinal(sent, challenge, sends)) {
        this.#spaces.forget(sent.space);
        return response;
      }
      const space = this.#enter(challenge, request);
      if (!request.resendable || sends >= MOST_SENDS) return response;
      sent = await this.#answer(space, request);
      if (sent === undefined) return response;
    }
  }

  /** Whether a challenge in answer to `sent` means no: it is of the same realm, and it is not the nonce that was wrong. */
  #isFinal({ space }: Sent, challenge: DigestChallenge, sends: number): boolean {
    if (challenge.stale || challenge.realm !== space.challenge.realm) return false;
    // A server that was restarted knows nothing of its old nonces, not even that they are stale.
    return sends > 1 || !space.accepted;
  }

  #challengeOf(response: ClientResponse): DigestChallenge | undefined {
    const field = response.headers.get("www-authenticate");
    return field === null ? undefined : strongestChallenge(field, this.#options.algorithms);
  }

  /** The space of a challenge, new or known; a nonce that is known goes on counting. */
  #enter(challenge: DigestChallenge, request: ClientRequest): DigestSpace {
    const { origin } = request.target;
    const known = this.#spaces.of(origin, challenge.realm);
    if (known?.challenge.nonce === challenge.nonce && known.challenge.algorithm === challenge.algorithm) return known;
    const prefixes = prefixesOf(challenge.domain, request);
    const cnonce = challenge.session ? this.#options.cnonce() : undefined;
    const space: DigestSpace = {
      origin,
      challenge,
      prefixes: prefixes ?? [request.target.target],
      nonceCount: 0,
      secret: secretOf(challenge, this.#user, cnonce ?? ""),
      cnonce,
      accepted: false,
    };
    this.#spaces.remember(space);
    return space;
  }

  /** The credentials for one send; undefined if the server wants a body's hash and the body can be read only once. */
  async #answer(space: DigestSpace, request: ClientRequest): Promise<Answer | undefined> {
    const { challenge } = space;
    const qop = chosenQop(challenge.qops, this.#options.integrity, request);
    if (qop === "auth-int" && !request.replayable) return undefined;
    const bodyHash = qop === "auth-int" ? await hashOfBody(challenge, request) : undefined;
    // Taken after the wait: whoever is first on the wire has the lower count.
    space.nonceCount += 1;
    const subject: DigestRequest = {
      method: request.method,
      uri: request.target.target,
      qop,
      nonceCount: space.nonceCount,
      cnonce: space.cnonce ?? this.#options.cnonce(),
      bodyHash,
    };
    // The nonce may have changed while the body was read: what is sent and what is checked have to be of one.
    const value = writeCredentials(space.challenge, this.#user, space.secret, subject);
    return { space, challenge: space.challenge, request: subject, value };
  }

  /** Our answer was taken: what the server says of itself, and of the next nonce (RFC 7616 §3.5). */
  #learn({ space, challenge, request }: Sent, response: ClientResponse): void {
    space.accepted = true;
    const field = response.headers.get("authentication-info");
    const parameters = field === null ? undefined : parseAuthenticationInfo(field);
    this.#checkProof(parameters?.get("rspauth"), { space, challenge, request }, response);
    const next = parameters?.get("nextnonce");
    if (next === undefined || next === space.challenge.nonce || next.length > MAX_VALUE_CHARS) return;
    space.challenge = { ...space.challenge, nonce: next };
    space.nonceCount = 0;
  }

  /** `rspauth` proves that the server knows the password, too. That of `auth-int` is of a body still to come. */
  #checkProof(proof: string | undefined, { space, challenge, request }: Sent, response: ClientResponse): void {
    const { serverProof } = this.#options;
    if (serverProof === "ignore") return;
    const checkable = proof !== undefined && request.qop === "auth";
    if (!checkable && serverProof === "if-given") return;
    if (checkable) {
      const expected = responseOf(challenge, space.secret, { ...request, method: "" });
      if (isSameSecret(expected, proof.toLowerCase())) return;
    }
    this.#spaces.forget(space);
    response.discard();
    const what = checkable ? "its rspauth is wrong" : "it sent no rspauth that can be checked";
    throw new AuthenticationError(
      "auth/server-unproven",
      `The server did not prove that it knows the password: ${what} (serverProof)`,
    );
  }
}

/** `auth`, unless the server wants more or the caller does. */
function chosenQop(
  offered: readonly DigestQop[],
  integrity: ResolvedDigest["integrity"],
  request: ClientRequest,
): DigestQop {
  const can = offered.includes("auth-int") && request.replayable;
  if (can && integrity === "when-offered") return "auth-int";
  return offered.includes("auth") ? "auth" : offered[0];
}

/** H(body), which is opened once more for it (RFC 7616 §3.4.3). Nothing of it is kept. */
async function hashOfBody(challenge: DigestChallenge, { payload }: ClientRequest): Promise<string> {
  const hash = tryHash(challenge.hash);
  if (hash === undefined) throw new Error(`There is no ${challenge.hash} here`);
  const whole = payload?.whole;
  if (whole !== undefined) hash.update(typeof whole === "string" ? Buffer.from(whole) : whole);
  else if (payload !== undefined) for await (const piece of payload.open()) hash.update(piece);
  return hash.hex();
}
