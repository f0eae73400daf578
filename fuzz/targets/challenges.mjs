/** What servers say about authentication, and the user's `.netrc`: nothing in them may throw what it should not, or be answered wrongly. */

import { DIGEST_ALGORITHMS } from "../../packages/sluice/dist/client/middleware/auth/digest.js";
import { secretOf, writeCredentials } from "../../packages/sluice/dist/client/middleware/auth/digest-answer.js";
import { strongestChallenge } from "../../packages/sluice/dist/client/middleware/auth/digest-challenge.js";
import { parseNetrc } from "../../packages/sluice/dist/client/middleware/auth/netrc-file.js";
import { UsageError } from "../../packages/sluice/dist/errors.js";
import { parseAuthenticationInfo, parseChallenges } from "../../packages/sluice/dist/http/challenges.js";

const TEXTS = [
  'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
  "Negotiate YII=, NTLM, Bearer",
  'Digest realm="r", nonce="n", qop="auth, auth-int", algorithm=SHA-256-sess, opaque="o", userhash=true, charset=UTF-8, domain="/ /a"',
  'Digest realm="a\\\\b", nonce="", stale=TRUE, Digest realm="", nonce="\\"", algorithm=MD5',
  'nextnonce="n", qop=auth, rspauth="0", cnonce="c", nc=00000001',
  'machine a.test login "a b" password "\\"\\\\" macdef m\n\ndefault login x # y',
];

export const corpus = TEXTS.map((text) => Buffer.from(text, "latin1"));
export const dictionary = [
  ", ",
  "Digest ",
  "realm=",
  "nonce=",
  '"',
  '\\"',
  "=",
  "==",
  "\t",
  "SHA-512-256",
  "machine ",
  "\n\n",
  "macdef ",
  "login ",
];

const ALL = new Set(DIGEST_ALGORITHMS);
const USER = { nameBytes: 'a"\\\xc3\xa4', passwordBytes: "p" };
const REQUEST = { method: "GET", uri: "/?\\", nonceCount: 1, cnonce: "c", bodyHash: "0" };

export function run(input) {
  const text = input.toString("latin1");
  const field = text.replace(/[^\t\x20-\x7e\x80-\xff]/g, " ");
  for (const { scheme, parameters } of parseChallenges(field)) {
    if (scheme === "" || scheme !== scheme.toLowerCase()) throw new Error(`A scheme ${JSON.stringify(scheme)}`);
    for (const name of parameters.keys()) if (name === "") throw new Error("A parameter without a name");
  }
  parseAuthenticationInfo(field);
  const challenge = strongestChallenge(field, ALL);
  if (challenge !== undefined) checkAnswer(challenge);
  try {
    parseNetrc(text, "netrc");
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}

/** It can be sent, and a server reads of it what the challenge said. */
function checkAnswer(challenge) {
  for (const qop of challenge.qops) {
    const written = writeCredentials(challenge, USER, secretOf(challenge, USER, "c"), { ...REQUEST, qop });
    if (/[^\t\x20-\x7e\x80-\xff]/.test(written)) throw new Error(`${JSON.stringify(written)} cannot be sent`);
    const [read, ...more] = parseChallenges(written);
    if (more.length > 0) throw new Error(`${written} is read as several`);
    for (const name of ["realm", "nonce", "opaque"]) {
      if (read.parameters.get(name) !== challenge[name]) throw new Error(`${written} is read otherwise: ${name}`);
    }
  }
}
