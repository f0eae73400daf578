/** Origins as an application lists them: text as browsers write it, and patterns that have to match all of it. */

import { parseUrl } from "../http/parse-url.js";

/** One origin as browsers write it (`https://example.com`), or a pattern that has to match all of one. */
export type ListedOrigin = string | RegExp;

/** Origins of schemes whose origin URL parsers do not know, such as `capacitor://localhost`. */
const OTHER_ORIGIN = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^/?#\\\s]+$/;

/** Whether an origin is among `listed`; `refuse` throws, told why one of these is none. */
export function originMatcher(
  listed: Iterable<ListedOrigin>,
  refuse: (why: string) => Error,
): (origin: string) => boolean {
  const texts = new Set<string>();
  const patterns: RegExp[] = [];
  for (const one of listed) {
    if (one instanceof RegExp) patterns.push(new RegExp(`^(?:${one.source})$`, one.flags.replace(/[gmy]/g, "")));
    else if (isOrigin(one)) texts.add(one);
    else throw refuse(`${JSON.stringify(one)} is none that browsers send, which are like https://example.com`);
  }
  return (given) => texts.has(given) || patterns.some((pattern) => pattern.test(given));
}

/** Serialised as RFC 6454 §6.2 says: scheme, host and port, in lower case; "null" has to be asked for by name. */
function isOrigin(text: string): boolean {
  return text === "null" || OTHER_ORIGIN.test(text) || parseUrl(text)?.origin === text;
}
