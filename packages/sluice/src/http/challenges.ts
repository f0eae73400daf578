/**
 * What servers say about authentication: `WWW-Authenticate` and `Proxy-Authenticate` with their challenges, of which one field
 * may have several (RFC 9110 §11.3, §11.6.1), and `Authentication-Info` (§11.6.3).
 *
 * The grammar has commas between challenges and commas between the parameters of one. A piece between commas is a parameter
 * where its first token is followed by "=", and begins a challenge where it is not. Read leniently: what is broken is passed
 * over, and never counted to the challenge before it. O(n), whatever comes.
 */

import { skipOws, trimOwsEnd } from "../bytes/ascii.js";
import { areAllIn, isToken, TOKEN_CHARS } from "../bytes/char-tables.js";
import { type Parameters, readParameterValue, splitOutsideQuotes } from "./parameters.js";

/** One way of authenticating that a server offers. */
export interface Challenge {
  /** In lower case: `basic`, `digest`, `bearer` … */
  readonly scheme: string;
  /** The one value of schemes that have no parameters (RFC 9110 §11.2). */
  readonly token68: string | undefined;
  /** By lower-case name, unquoted; of two with one name the first counts. */
  readonly parameters: Parameters;
}

interface Draft {
  readonly scheme: string;
  token68: string | undefined;
  readonly parameters: Map<string, string>;
}

const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/** The challenges in a field value, in order; several field lines joined by commas are one value (RFC 9110 §5.3). */
export function parseChallenges(value: string): Challenge[] {
  const challenges: Draft[] = [];
  let current: Draft | undefined;
  for (const piece of splitOutsideQuotes(value, ",")) {
    if (piece === "") continue;
    const nameEnd = tokenEnd(piece);
    if (isFollowedByEquals(piece, nameEnd)) {
      if (current !== undefined && current.token68 === undefined) addParameter(current.parameters, piece);
      continue;
    }
    current = beginChallenge(piece, nameEnd);
    if (current !== undefined) challenges.push(current);
  }
  return challenges;
}

/** The parameters of `Authentication-Info` and `Proxy-Authentication-Info`: the same without a scheme (RFC 9110 §11.6.3). */
export function parseAuthenticationInfo(value: string): Parameters {
  const parameters = new Map<string, string>();
  for (const piece of splitOutsideQuotes(value, ",")) addParameter(parameters, piece);
  return parameters;
}

/** A scheme, and what stands behind it before the next comma: nothing, a token68, or the first parameter. */
function beginChallenge(piece: string, schemeEnd: number): Draft | undefined {
  const rest = skipOws(piece, schemeEnd, piece.length);
  // Something that is neither a token nor space, straight behind the scheme: no scheme.
  if (schemeEnd === 0 || (rest === schemeEnd && rest < piece.length)) return undefined;
  const challenge: Draft = {
    scheme: piece.slice(0, schemeEnd).toLowerCase(),
    token68: undefined,
    parameters: new Map<string, string>(),
  };
  if (rest === piece.length) return challenge;
  const text = piece.slice(rest);
  if (!addParameter(challenge.parameters, text) && TOKEN68.test(text)) challenge.token68 = text;
  return challenge;
}

/** Takes `name = value`, with whitespace around "=" as RFC 9110 §11.2 has it from of old. False if it is none. */
function addParameter(parameters: Map<string, string>, piece: string): boolean {
  const equals = piece.indexOf("=");
  if (equals === -1) return false;
  const name = piece.slice(0, trimOwsEnd(piece, 0, equals)).toLowerCase();
  const value = readParameterValue(piece.slice(skipOws(piece, equals + 1, piece.length)));
  if (value === undefined || !isToken(name)) return false;
  if (!parameters.has(name)) parameters.set(name, value);
  return true;
}

function tokenEnd(piece: string): number {
  let at = 0;
  while (at < piece.length && areAllIn(TOKEN_CHARS, piece, at, at + 1)) at += 1;
  return at;
}

function isFollowedByEquals(piece: string, at: number): boolean {
  return at > 0 && piece[skipOws(piece, at, piece.length)] === "=";
}
