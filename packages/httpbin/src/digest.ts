/**
 * Digest authentication as a server does it (RFC 7616): challenges, the check of an answer, and the server's own proof. Text is one
 * character a byte, as fields are.
 */
import { createHash, randomBytes } from "node:crypto";

/** What a resource wants. */
export interface DigestWish {
  readonly realm: string;
  /** As they are to be said, the best first; several make several challenges. */
  readonly algorithms: readonly string[];
  /** "auth", "auth-int", both with a comma, or undefined for a server from before RFC 2617. */
  readonly qop: string | undefined;
  readonly userhash: boolean;
  readonly domain: string | undefined;
}

/** A nonce that was given out. */
export interface IssuedNonce {
  readonly nonce: string;
  /** How many more requests it is good for. */
  usesLeft: number;
  /** The greatest `nc` seen, and which of those just below it: no request counts twice. */
  highest: number;
  seen: bigint;
  /** What a `-sess` secret was made of: set with the first answer, and inherited by `nextnonce` (§3.4.2). */
  session: { readonly nonce: string; readonly cnonce: string } | undefined;
}

/** The parameters of an `Authorization` field, by lower-case name. */
export type DigestCredentials = ReadonlyMap<string, string>;

/** What an answer is checked against. */
export interface DigestSubject {
  readonly method: string;
  readonly target: string;
  readonly body: Uint8Array;
  readonly user: string;
  readonly passwd: string;
  readonly realm: string;
}

const HASHES: ReadonlyMap<string, string> = new Map([
  ["MD5", "md5"],
  ["SHA-256", "sha256"],
  ["SHA-512-256", "sha512-256"],
]);
const PARAMETER = /([A-Za-z0-9*]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;
/** How far behind the greatest `nc` a request may come, where many are under way at once. */
const WINDOW = 256;

/** The algorithm's name as RFC 7616 §6.1 writes it, whatever the case of its letters; undefined if it is none. */
export function knownAlgorithm(name: string): string | undefined {
  const session = /-sess$/i.test(name);
  const base = (session ? name.slice(0, -"-sess".length) : name).toUpperCase();
  return HASHES.has(base) ? `${base}${session ? "-sess" : ""}` : undefined;
}

/** A nonce for so many requests. */
export function issueNonce(usesLeft: number, session?: IssuedNonce["session"]): IssuedNonce {
  return { nonce: randomBytes(16).toString("hex"), usesLeft, highest: 0, seen: 0n, session };
}

/** One `WWW-Authenticate` value for each algorithm (§3.3). */
export function challenges(wish: DigestWish, nonce: string, stale: boolean): string[] {
  const { realm, qop, userhash, domain, algorithms } = wish;
  return algorithms.map((algorithm) => {
    const parts = [`realm="${realm}"`, `nonce="${nonce}"`, `opaque="${hash("MD5", realm)}"`, `algorithm=${algorithm}`];
    if (qop !== undefined) parts.push(`qop="${qop}"`);
    if (domain !== undefined) parts.push(`domain="${domain}"`);
    parts.push(`stale=${stale ? "TRUE" : "FALSE"}`, "charset=UTF-8");
    if (userhash) parts.push("userhash=true");
    return `Digest ${parts.join(", ")}`;
  });
}

/** The credentials of an `Authorization` field; undefined if they are not of Digest. */
export function parseDigestCredentials(field: string | null): DigestCredentials | undefined {
  if (field === null || !/^digest /i.test(field)) return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = "", quoted, plain = ""] of field.slice("digest ".length).matchAll(PARAMETER)) {
    const lower = name.toLowerCase();
    if (!parameters.has(lower)) parameters.set(lower, quoted?.replace(/\\(.)/g, "$1") ?? plain);
  }
  return parameters;
}

/** Whether `nc` has not been seen with this nonce; from now on it has. */
export function countOnce(issued: IssuedNonce, nc: string | undefined): boolean {
  if (nc === undefined) return true;
  if (!/^[0-9a-f]{8}$/i.test(nc)) return false;
  const count = Number(`0x${nc}`);
  const ahead = count - issued.highest;
  if (ahead > 0) {
    issued.highest = count;
    issued.seen = ahead >= WINDOW ? 1n : BigInt.asUintN(WINDOW, (issued.seen << BigInt(ahead)) | 1n);
    return true;
  }
  const bit = 1n << BigInt(Math.min(-ahead, WINDOW));
  if (count === 0 || -ahead >= WINDOW || (issued.seen & bit) !== 0n) return false;
  issued.seen |= bit;
  return true;
}

/** Whether name and response are right (§3.4.1). The nonce has been looked at. */
export function isRightAnswer(
  credentials: DigestCredentials,
  subject: DigestSubject,
  algorithm: string,
  session: IssuedNonce["session"],
): boolean {
  return (
    isUser(credentials, subject, algorithm) &&
    credentials.get("uri") === subject.target &&
    credentials.get("response") === response(credentials, subject, { algorithm, session, method: subject.method })
  );
}

/** The value of `Authentication-Info` (§3.5): our own proof over `answer`, and the nonce to go on with. */
export function authenticationInfo(
  credentials: DigestCredentials,
  subject: DigestSubject,
  given: {
    readonly algorithm: string;
    readonly session: IssuedNonce["session"];
    readonly answer: string;
    readonly nextnonce: string | undefined;
  },
): string {
  const { algorithm, session, answer, nextnonce } = given;
  const qop = credentials.get("qop");
  const proof = response(credentials, { ...subject, body: Buffer.from(answer) }, { algorithm, session, method: "" });
  const parts = [`rspauth="${proof}"`];
  if (qop !== undefined) {
    parts.push(`qop=${qop}`, `nc=${credentials.get("nc")}`, `cnonce="${credentials.get("cnonce")}"`);
  }
  if (nextnonce !== undefined) parts.push(`nextnonce="${nextnonce}"`);
  return parts.join(", ");
}

function isUser(credentials: DigestCredentials, { user, realm }: DigestSubject, algorithm: string): boolean {
  const bytes = asBytes(user);
  if (credentials.get("userhash")?.toLowerCase() === "true") {
    return credentials.get("username") === hash(algorithm, `${bytes}:${realm}`);
  }
  const extended = /^UTF-8''(.*)$/i.exec(credentials.get("username*") ?? "")?.[1];
  if (extended === undefined) return credentials.get("username") === bytes;
  return extended.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number(`0x${hex}`))) === bytes;
}

function response(
  credentials: DigestCredentials,
  { user, passwd, realm, body, target }: DigestSubject,
  { algorithm, session, method }: { algorithm: string; session: IssuedNonce["session"]; method: string },
): string {
  const [nonce, qop] = [credentials.get("nonce"), credentials.get("qop")];
  let secret = hash(algorithm, `${asBytes(user)}:${realm}:${asBytes(passwd)}`);
  if (algorithm.endsWith("-sess")) secret = hash(algorithm, `${secret}:${session?.nonce}:${session?.cnonce}`);
  const end = qop === "auth-int" ? `:${hash(algorithm, body)}` : "";
  const subjectHash = hash(algorithm, `${method}:${target}${end}`);
  if (qop === undefined) return hash(algorithm, `${secret}:${nonce}:${subjectHash}`);
  const counted = `${credentials.get("nc")}:${credentials.get("cnonce")}:${qop}`;
  return hash(algorithm, `${secret}:${nonce}:${counted}:${subjectHash}`);
}

function hash(algorithm: string, content: string | Uint8Array): string {
  const made = createHash(HASHES.get(algorithm.replace(/-sess$/, "")) ?? "md5");
  return (typeof content === "string" ? made.update(content, "latin1") : made.update(content)).digest("hex");
}

function asBytes(text: string): string {
  return Buffer.from(text.normalize("NFC"), "utf8").toString("latin1");
}
