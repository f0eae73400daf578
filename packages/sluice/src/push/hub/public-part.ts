/** What others are shown of a user. */

import type { HubUser } from "../bus/bus.js";

/** Id and info, and nothing else that the application may keep in the same object. */
export function publicPart({ id, info }: HubUser): HubUser {
  return info === undefined ? { id } : { id, info };
}
