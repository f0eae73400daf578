/**
 * Comparing and trimming text as HTTP does: ASCII only, so that no locale and no Unicode case folding has a say
 * (RFC 9110 §5.6.2 and §5.1: tokens and names are case-insensitive in ASCII), and without making lower-case copies.
 */

import { HTAB, SP } from "./char-tables.js";

/**
 * True if `text` from `start` up to `end` reads `lower`, whatever the case of its letters. `lower` must be lower case and the
 * range must hold token characters only: there, setting the 0x20 bit changes nothing but the case of letters.
 */
export function equalsLower(text: string, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false;
  for (let at = 0; at < lower.length; at += 1) {
    if ((text.charCodeAt(start + at) | 0x20) !== lower.charCodeAt(at)) return false;
  }
  return true;
}

/** True for the two characters of optional whitespace, OWS (RFC 9110 §5.6.3). */
export function isOws(code: number): boolean {
  return code === SP || code === HTAB;
}

/** The first offset from `start` up to `end` which is not optional whitespace, or `end`. */
export function skipOws(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && isOws(text.charCodeAt(at))) at += 1;
  return at;
}

/** The offset behind the last character between `start` and `end` which is not optional whitespace, or `start`. */
export function trimOwsEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && isOws(text.charCodeAt(at - 1))) at -= 1;
  return at;
}

/** `text` without optional whitespace at either end; the same string if there is none. */
export function trimOws(text: string): string {
  const start = skipOws(text, 0, text.length);
  return text.substring(start, trimOwsEnd(text, start, text.length));
}

/**
 * The non-negative integer that `text` spells in decimal digits and nothing else, or undefined: no sign, no space, no fraction,
 * nothing above 2^53 - 1. Leading zeros are allowed, as `1*DIGIT` allows them (RFC 9110 §8.6).
 */
export function parseDigits(text: string): number | undefined {
  if (text.length === 0) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    // Beyond 2^53 sums are rounded: stop while they are still exact.
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return value;
}
