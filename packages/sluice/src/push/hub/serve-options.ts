/** What a hub is told of a connection: who is at the other end, and where it may begin. */

import { UsageError } from "../../errors.js";
import { refuseUnknown, requireNumber } from "../../options.js";
import { randomHex } from "../../platform/random.js";
import type { HubUser } from "../bus/bus.js";
import { requireRoomName } from "../protocol/names.js";
import type { ConnectionSettings } from "./hub-connection.js";

/** Who is at the other end of a connection, and where it may begin. */
export interface ServeOptions<User extends HubUser = HubUser> {
  /** Undefined: nobody in particular, who is counted as a connection only. */
  readonly user?: User | undefined;
  /** Rooms that the client is told to join. Without `authorize`, it may join these and no others. @default none */
  readonly rooms?: Iterable<string>;
  /** When the authorisation ends, in milliseconds since the Unix epoch: the connection is closed with 4001 unless it was renewed. @default never */
  readonly expiresAt?: number;
}

const SERVE_NAMES: ReadonlySet<string> = new Set<keyof ServeOptions>(["user", "rooms", "expiresAt"]);
const ID_BYTES = 9;

/** Throws `UsageError` `push/user`, `push/room-name`, `options/…`. */
export function serveSettings<User extends HubUser>(
  options: ServeOptions<User>,
  answersPings: boolean,
): ConnectionSettings<User> {
  refuseUnknown("serve", options, SERVE_NAMES);
  const { user, rooms = [], expiresAt = Number.POSITIVE_INFINITY } = options;
  const names = new Set<string>();
  for (const room of rooms) {
    requireRoomName(room);
    names.add(room);
  }
  if (user !== undefined) requireUser(user);
  requireNumber("expiresAt", expiresAt, 0, Number.POSITIVE_INFINITY);
  return { id: randomHex(ID_BYTES), user, rooms: names, expiresAt, answersPings };
}

/** Gives `user` back, or throws `UsageError` `push/user`. */
export function requireUser<User extends HubUser>(user: User): User {
  if (typeof user === "object" && user !== null && typeof user.id === "string" && user.id !== "") return user;
  throw new UsageError("push/user", "Cannot use this user: expected an object with an id, a text that is not empty");
}
