/**
 * Who is in one room. Every connection holds a lease: whoever does not renew it, because its process has died for instance, is gone when it runs out.
 * A connection that was lost lingers for a moment, so that a page that is loaded anew does not leave and come back for everybody to see.
 */

import type { Clock } from "../../concurrency/clock.js";
import { Deadline } from "../../concurrency/deadline.js";
import type { HubUser, PresenceChange, PresenceEntry, PresenceSnapshot, PresentUser } from "./bus.js";

/** Everything of one user. */
interface Presence {
  user: HubUser;
  /** All of its connections, those that linger too. */
  leases: number;
  /** Those that do not linger. */
  connections: number;
}

/** Is told what changes by itself. */
export interface PresenceOwner {
  onPresence(change: PresenceChange): void;
  /** A lease has run out. */
  onExpired(): void;
}

/** The connections and users of one room. */
export class RoomPresence {
  readonly #clock: Clock;
  readonly #owner: PresenceOwner;
  readonly #leases = new Map<string, Lease>();
  readonly #users = new Map<string, Presence>();
  #lingering = 0;

  constructor(clock: Clock, owner: PresenceOwner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Whether nobody is here, or was a moment ago. */
  get empty(): boolean {
    return this.#leases.size === 0;
  }

  /** The connection is here, for `leaseMs` from now. */
  touch({ connection, user }: PresenceEntry, leaseMs: number): void {
    const known = this.#leases.get(connection);
    const lease = known ?? new Lease(this.#onExpired, connection, user?.id);
    this.#clock.arm(lease, leaseMs);
    if (known === undefined) {
      this.#leases.set(connection, lease);
      if (user !== undefined) this.#enter(user);
    } else if (known.lingering) {
      known.lingering = false;
      this.#lingering -= 1;
      this.#count(known.userId, 1);
    }
  }

  /** The connection is gone; its user only after `lingerMs`, if nothing else of it is here. */
  release(connection: string, lingerMs: number): void {
    const lease = this.#leases.get(connection);
    if (lease === undefined) return;
    if (lingerMs === 0) {
      this.#clock.disarm(lease);
      this.#remove(lease);
      return;
    }
    this.#clock.arm(lease, lingerMs);
    if (lease.lingering) return;
    lease.lingering = true;
    this.#lingering += 1;
    this.#count(lease.userId, -1);
  }

  snapshot(mostMembers: number): PresenceSnapshot {
    const members: PresentUser[] = [];
    for (const { user, connections } of this.#users.values()) {
      if (members.length >= mostMembers) break;
      members.push({ ...user, connections });
    }
    return { users: this.#users.size, connections: this.#connections, members };
  }

  /** Lets go of the clock. */
  close(): void {
    for (const lease of this.#leases.values()) this.#clock.disarm(lease);
    this.#leases.clear();
  }

  get #connections(): number {
    return this.#leases.size - this.#lingering;
  }

  readonly #onExpired = (lease: Lease): void => {
    this.#remove(lease);
    this.#owner.onExpired();
  };

  #enter(user: HubUser): void {
    const present = this.#users.get(user.id);
    if (present !== undefined) {
      present.user = user;
      present.leases += 1;
      present.connections += 1;
      return;
    }
    this.#users.set(user.id, { user, leases: 1, connections: 1 });
    this.#tell("join", user);
  }

  #remove(lease: Lease): void {
    this.#leases.delete(lease.connection);
    if (lease.lingering) this.#lingering -= 1;
    const present = lease.userId === undefined ? undefined : this.#users.get(lease.userId);
    if (present === undefined) return;
    present.leases -= 1;
    if (!lease.lingering) present.connections -= 1;
    if (present.leases > 0) return;
    this.#users.delete(present.user.id);
    this.#tell("leave", present.user);
  }

  #count(userId: string | undefined, change: 1 | -1): void {
    const present = userId === undefined ? undefined : this.#users.get(userId);
    if (present !== undefined) present.connections += change;
  }

  #tell(event: PresenceChange["event"], user: HubUser): void {
    this.#owner.onPresence({ event, user, users: this.#users.size, connections: this.#connections });
  }
}

/** How long one connection counts as present. */
class Lease extends Deadline {
  readonly connection: string;
  readonly userId: string | undefined;
  lingering = false;
  readonly #onExpired: (lease: Lease) => void;

  constructor(onExpired: (lease: Lease) => void, connection: string, userId: string | undefined) {
    super();
    this.#onExpired = onExpired;
    this.connection = connection;
    this.userId = userId;
  }

  override expire(): void {
    this.#onExpired(this);
  }
}
