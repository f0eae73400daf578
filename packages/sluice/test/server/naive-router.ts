/** What the router must agree with: every pattern as a regular expression, the most specific ones first. */

/** For sorting: from left to right, the segment with more static text first; the rest of a path last. */
export function compareRoutes(a: string, b: string): number {
  const left = a.slice(1).split("/").map(rankOf);
  const right = b.slice(1).split("/").map(rankOf);
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const order = compareRanks(left[at] ?? [], right[at] ?? []);
    if (order !== 0) return order;
  }
  return left.length - right.length; // no path matches both; but sorting needs an order
}

export function naiveMatch(sortedRoutes: readonly string[], path: string): string[] | undefined {
  for (const route of sortedRoutes) {
    const match = regExpOf(route).exec(path);
    if (match !== null) return [route, ...match.slice(1)];
  }
  return undefined;
}

/** Kind (0 static, 1 parameter, 2 rest), then static text before and after, longer first. */
function rankOf(segment: string): number[] {
  if (segment.startsWith("*")) return [2];
  const colon = segment.indexOf(":");
  if (colon === -1) return [0];
  const suffix = segment.slice(colon).replace(/^:\w+/, "");
  return [1, -colon, -suffix.length];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = (a[at] ?? 0) - (b[at] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

function regExpOf(route: string): RegExp {
  const source = route
    .replace(/\./g, "\\.")
    .replace(/:\w+/g, "([^/]+)")
    .replace(/\/\*\w*$/, "/(.*)");
  return new RegExp(`^${source}$`);
}
