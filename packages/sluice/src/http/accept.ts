/**
 * Content negotiation (RFC 9110 §12): which of the things on offer a client likes best. Ties go to the order of the offers, which
 * is the server's own preference. Members that are malformed are passed over; O(members × offers).
 */

import { isToken } from "../bytes/char-tables.js";
import { readParameters, splitOutsideQuotes } from "./parameters.js";

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

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
 * The offered media type (`type/subtype`, lower case, perhaps with parameters) that an `Accept` value likes best, or undefined if it
 * accepts none. No field, undefined, accepts all of them (RFC 9110 §12.5.1). The most specific range that fits an offer decides its
 * quality; a range with parameters fits offers that have them (§12.5.1: `text/html;level=1`), and its `charset` any text.
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

/**
 * The offered language (RFC 5646) that an `Accept-Language` value likes best, or undefined if it accepts none. No field accepts all
 * (RFC 9110 §12.5.4). A range fits the tag itself, tags that it begins (RFC 4647 §3.3.1: `en` takes `en-GB`), and last of all what it
 * begins with (§3.4: who asks for `en-GB` is served `en` rather than nothing).
 */
export function negotiateLanguage<Offer extends string>(
  acceptLanguage: string | undefined,
  offers: readonly Offer[],
): Offer | undefined {
  if (acceptLanguage === undefined || acceptLanguage.trim() === "") return offers[0];
  const ranges = parsePreferences(acceptLanguage);
  return best(offers, (offer) => languageQuality(offer.toLowerCase(), ranges));
}

/** The offered charset that an `Accept-Charset` value likes best (RFC 9110 §12.5.2), or undefined if none. No field accepts all. */
export function negotiateCharset<Offer extends string>(
  acceptCharset: string | undefined,
  offers: readonly Offer[],
): Offer | undefined {
  if (acceptCharset === undefined || acceptCharset.trim() === "") return offers[0];
  const ranges = parsePreferences(acceptCharset);
  return best(offers, (offer) => codingQuality(offer.toLowerCase(), ranges) ?? 0);
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
  const [essence = "", ...rest] = splitOutsideQuotes(offer, ";");
  const parameters = rest.length === 0 ? NO_PARAMETERS : readParameters(rest);
  const anyOfType = `${essence.slice(0, essence.indexOf("/"))}/*`;
  let specificity = 0;
  let quality = 0;
  for (const range of ranges) {
    const named = range.value === essence ? 3 : range.value === anyOfType ? 2 : range.value === "*/*" ? 1 : 0;
    const fit = named === 0 ? 0 : named * 100 + matchedParameters(range.parameters, parameters);
    if (fit <= specificity) continue;
    specificity = fit;
    quality = range.quality;
  }
  return quality;
}

/** How many of a range's parameters an offer has; less than any fit if it lacks one. */
function matchedParameters(wanted: ReadonlyMap<string, string>, offered: ReadonlyMap<string, string>): number {
  let count = 0;
  for (const [name, value] of wanted) {
    const has = offered.get(name);
    if (has?.toLowerCase() === value.toLowerCase()) count += 1;
    else if (has !== undefined || name !== "charset") return Number.NEGATIVE_INFINITY;
  }
  return count;
}

function languageQuality(offer: string, ranges: readonly Preference[]): number {
  let specificity = 0;
  let quality = 0;
  for (const { value, quality: wanted } of ranges) {
    const fit = languageFit(value, offer);
    if (fit <= specificity) continue;
    specificity = fit;
    quality = wanted;
  }
  return quality;
}

/** A whole number for what fits by its length, so that the longer of two ranges decides; less than 1 for what fits but loosely. */
function languageFit(range: string, offer: string): number {
  if (range === "*") return 0.25;
  if (range === offer || offer.startsWith(`${range}-`)) return range.length;
  return range.startsWith(`${offer}-`) ? 0.5 : 0;
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
