/** What a connector tells of its pool, by origin and the way there. */

import type { PoolRouteStats } from "./pool-plan.js";
import { shownRoute } from "./proxy/route.js";

/** Counts of one origin, and of one proxy on the way to it if there is one. */
export interface ConnectorStats extends PoolRouteStats {
  /** Exchanges that the connections open now have carried beyond their first. */
  readonly reused: number;
}

/** Adds up what differs in secrets only. `connections`: the key of each open one's route, and how many exchanges it has carried. */
export function countByOrigin(
  routes: Iterable<PoolRouteStats>,
  connections: Iterable<readonly [key: string, exchanges: number]>,
): Record<string, ConnectorStats> {
  const stats: Record<string, ConnectorStats> = {};
  for (const route of routes) {
    const key = shownRoute(route.key);
    const { open, idle, dialing, queued } = stats[key] ?? { open: 0, idle: 0, dialing: 0, queued: 0 };
    stats[key] = {
      key,
      open: open + route.open,
      idle: idle + route.idle,
      dialing: dialing + route.dialing,
      queued: queued + route.queued,
      reused: 0,
    };
  }
  for (const [routeKey, exchanges] of connections) {
    const key = shownRoute(routeKey);
    const route = stats[key];
    if (route !== undefined) stats[key] = { ...route, reused: route.reused + Math.max(0, exchanges - 1) };
  }
  return stats;
}
