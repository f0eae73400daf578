/** What belongs to one hub and is needed in all of its parts. */

import type { HubUser } from "../bus/bus.js";
import type { HubConnection } from "./hub-connection.js";
import type { HubEmitter } from "./hub-events.js";
import type { HubSettings } from "./hub-options.js";
import type { HubTally } from "./hub-tally.js";
import type { RoomSet } from "./room-set.js";

/** See the head of this file. */
export interface HubParts<User extends HubUser> {
  readonly settings: HubSettings<User>;
  readonly emitter: HubEmitter<User>;
  readonly tally: HubTally;
  readonly rooms: RoomSet<User>;
  /** The limits that clients are told of. */
  readonly describeLimits: object;
  /** Whether the hub takes nobody any more. */
  isClosing(): boolean;
  /** A connection is over. */
  onOver(connection: HubConnection<User>): void;
}
