/** Where two JSON values differ: the place, as a JSON Pointer (RFC 6901), and never the values, which may be secret. */

/** The pointer to the first difference, `""` for the root, or undefined where both are equal. Members have no order. */
export function jsonDifference(expected: unknown, actual: unknown, at = ""): string | undefined {
  if (Object.is(expected, actual)) return undefined;
  if (!isObject(expected) || !isObject(actual)) return at;
  if (Array.isArray(expected) !== Array.isArray(actual)) return at;
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const place = `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (!Object.hasOwn(expected, name) || !Object.hasOwn(actual, name)) return place;
    const difference = jsonDifference(expected[name], actual[name], place);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** The value as it is once sent: without what JSON has no form for. Throws what `JSON.stringify` throws. */
export function asJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : JSON.parse(text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
