/** Publishing, wherever it comes from. */

import type { HubUser, NewMessage, Published } from "../bus/bus.js";
import type { HubParts } from "./hub-parts.js";
import { unavailable } from "./room-set.js";

/**
 * Gives a message to the bus. Resolves when that has taken it, and the members here are not too far behind. Rejects with `ConnectionLostError`
 * `push/unavailable`.
 */
export async function publishTo<User extends HubUser>(
  { settings, rooms, tally }: Pick<HubParts<User>, "settings" | "rooms" | "tally">,
  room: string,
  message: Omit<NewMessage, "ts">,
): Promise<Published> {
  const live = rooms.find(room);
  const { retention } = live?.settings ?? settings.settingsOf(room);
  let published: Published;
  try {
    published = await settings.bus.publish(room, { ...message, ts: settings.clock.wallTime() }, retention);
  } catch (error) {
    throw unavailable("publish", error);
  }
  if (!published.duplicate) tally.published += 1;
  if (live?.crowded === true) await live.settled();
  return published;
}
