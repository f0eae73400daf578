/**
 * Content negotiation (RFC 9110 §12): which of the things on offer a client likes best. Ties go to the order of the offers, which
 * is the server's own preference. Members that are malformed are passed over; O(members × offers).
 */

import { isToken } from "../bytes/char-tables.js";
import { readParameters, splitOutsideQuotes } from "./parameters.js";

/** One member of an `Accept…` field: what it matches, and how much it is liked. */
export interface Preference {
  /** In lower case: a media range, a coding, a language range, or `*`. */
  readonly value: string;
  /** Parameters of a media range other than `q`, by lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** 0 (not acceptable) to 1, in thousandths (RFC 9110 §12.4.2). */
  readonly quality: number;
}

/** The members of an `Accept`, `Accept-Encoding`, `Accept-Language` or `TE` value, in their order (RFC 9110 §12.4). */
export function parsePreferences(value: string): Preference[] {
  const preferences: Preference[] = [];
  for (const member of splitOutsideQuotes(value, ",")) {
    const [name = "", ...rest] = splitOutsideQuotes(member, ";");
    const parts = name.split("/");
    if (parts.length > 2 || !parts.every(isToken)) continue;
    const parameters = new Map(readParameters(rest));
    const quality = parseQuality(parameters.get("q"));
    parameters.delete("q");
    if (quality !== undefined) preferences.push({ value: name.toLowerCase(), parameters, quality });
  }
  return preferences;
}

/**
 * The offered media type (`type/subtype`, lower case) that an `Accept` value likes best, or undefined if it accepts none.
 * No field, undefined, accepts all of them (RFC 9110 §12.5.1). The most specific range that fits an offer decides its quality.
 */
export function negotiateMediaType<Offer extends string>(
  accept: string | undefined,
  offers: readonly Offer[],
): Offer | undefined {
  if (accept === undefined || accept.trim() === "") return offers[0];
  const ranges = parsePreferences(accept);
  return best(offers, (offer) => mediaQuality(offer, ranges));
}

/**
 * The offered content coding that an `Accept-Encoding` value likes best (RFC 9110 §12.5.3), or undefined if not even `identity` is
 * acceptable. Offer `identity` to allow for it; it is acceptable unless excluded. Without the field only `identity` is offered back,
 * because a client that says nothing may be unable to decode.
 */
export function negotiateEncoding<Offer extends string>(
  acceptEncoding: string | undefined,
  offers: readonly Offer[],
): Offer | undefined {
  const ranges = parsePreferences(acceptEncoding ?? "");
  // Identity without a word about it is acceptable, but less so than whatever was asked for.
  return best(offers, (offer) => codingQuality(offer, ranges) ?? (offer === "identity" ? 0.0001 : 0));
}

function best<Offer>(offers: readonly Offer[], qualityOf: (offer: Offer) => number): Offer | undefined {
  let found: Offer | undefined;
  let highest = 0;
  for (const offer of offers) {
    const quality = qualityOf(offer);
    if (quality <= highest) continue;
    highest = quality;
    found = offer;
  }
  return found;
}

function mediaQuality(offer: string, ranges: readonly Preference[]): number {
  const anyOfType = `${offer.slice(0, offer.indexOf("/"))}/*`;
  let specificity = 0;
  let quality = 0;
  for (const range of ranges) {
    // A range with parameters asks for a variant that a plain offer is not.
    if (range.parameters.size > 0 && !range.parameters.has("charset")) continue;
    const fit = range.value === offer ? 3 : range.value === anyOfType ? 2 : range.value === "*/*" ? 1 : 0;
    if (fit <= specificity) continue;
    specificity = fit;
    quality = range.quality;
  }
  return quality;
}

function codingQuality(offer: string, ranges: readonly Preference[]): number | undefined {
  let wildcard: number | undefined;
  for (const { value, quality } of ranges) {
    // "x-gzip" is an old name of gzip (RFC 9110 §8.4.1.3).
    if (value === offer || (offer === "gzip" && value === "x-gzip")) return quality;
    if (value === "*") wildcard = quality;
  }
  return wildcard;
}

/** `qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )`, 1 if absent; undefined if malformed. */
function parseQuality(text: string | undefined): number | undefined {
  if (text === undefined) return 1;
  return /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : undefined;
}
