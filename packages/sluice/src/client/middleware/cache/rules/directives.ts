/**
 * `Cache-Control` taken apart (RFC 9111 §5.2): a list of names, in any case, some with an argument as token or quoted string.
 * What is malformed is read so that it caches less, never more.
 */

/** Arguments by directive name in lower case, one for each time that it is there; "" for none. */
export type Directives = ReadonlyMap<string, readonly string[]>;

/** Larger numbers of seconds count as this one (RFC 9111 §1.2.2). */
const MOST_SECONDS = 2 ** 31;
const DIRECTIVE = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;
const NONE: Directives = new Map();

/** The directives of a field value; null is a field that is not there. */
export function parseDirectives(value: string | null | undefined): Directives {
  if (value === null || value === undefined) return NONE;
  const directives = new Map<string, string[]>();
  for (const [, name = "", quoted, token] of value.matchAll(DIRECTIVE)) {
    const known = directives.get(name.toLowerCase());
    const argument = quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
    if (known === undefined) directives.set(name.toLowerCase(), [argument]);
    else known.push(argument);
  }
  return directives;
}

/**
 * The argument as delta-seconds (RFC 9111 §1.2.2); undefined if the directive is not there. `otherwise` stands for what is no
 * number, and for several that contradict each other (§4.2.1).
 */
export function secondsOf(directives: Directives, name: string, otherwise = 0): number | undefined {
  const [first, ...more] = directives.get(name) ?? [];
  if (first === undefined) return undefined;
  if (!/^\d+$/.test(first) || more.some((other) => other !== first)) return otherwise;
  return Math.min(Number(first), MOST_SECONDS);
}
