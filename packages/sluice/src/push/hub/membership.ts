/** One connection in one room. */

import type { HubUser } from "../bus/bus.js";
import { Lane, type SlowSettings } from "../delivery/lane.js";
import type { Outbox } from "../delivery/outbox.js";
import type { WireFrame } from "../protocol/wire-frame.js";

/** What a membership knows of its connection. */
export interface MemberConnection {
  readonly id: string;
  readonly user: HubUser | undefined;
  readonly outbox: Outbox;
}

/** Made when a connection may join; `live` once it has all that the others have had. */
export class Membership {
  readonly connection: MemberConnection;
  readonly lane: Lane;
  /** Is told who comes and goes. */
  readonly watchesPresence: boolean;
  /** What was to be told before the connection was told that it has joined. */
  #held: WireFrame[] | undefined = [];
  /** Gets messages as they come; until then it catches up by itself. */
  live = false;
  /** It is over, and nothing more is to be done for it. */
  over = false;

  constructor(connection: MemberConnection, room: string, settings: { slow: SlowSettings; watchesPresence: boolean }) {
    this.connection = connection;
    this.lane = new Lane(room, settings.slow);
    this.watchesPresence = settings.watchesPresence;
  }

  /** Whether the connection has been told that it has joined. */
  get announced(): boolean {
    return this.#held === undefined;
  }

  /** Sends what is no message, but not before the connection has been told that it has joined. */
  tell(frame: WireFrame): void {
    if (this.#held === undefined) this.connection.outbox.send(frame);
    else this.#held.push(frame);
  }

  /** Tells the connection that it has joined, and where it stands. */
  announce(joined: WireFrame): void {
    this.connection.outbox.send(joined, this.lane);
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const frame of held) this.connection.outbox.send(frame);
  }
}
