/**
 * What a cache did for a response. Kept beside the responses and not in them: without a cache in the session a response has no
 * field for it, and nothing is written.
 */
import type { ClientResponse } from "./response.js";

/**
 * `"hit"`: stored, and fresh. `"revalidated"`: stored, and the origin has just said that it still holds. `"stale"`: stored, past
 * its time, and allowed all the same. `"miss"`: from the origin. `"absent"`: the cache's own 504, since `only-if-cached` was
 * asked and nothing that may be used is stored.
 */
export type CacheStatus = "hit" | "revalidated" | "stale" | "miss" | "absent";

const statuses = new WeakMap<ClientResponse, CacheStatus>();

/** Notes what the cache did for `response`, which is returned. */
export function withCacheStatus(response: ClientResponse, status: CacheStatus): ClientResponse {
  statuses.set(response, status);
  return response;
}

/** What a cache did for `response`; undefined if none had to do with it. */
export function cacheStatusOf(response: ClientResponse): CacheStatus | undefined {
  return statuses.get(response);
}
