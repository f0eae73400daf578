/**
 * Notices a dead peer: a ping at each interval, and by the next one something must have come. Every byte counts, so a large message
 * that comes slowly is life; so does a backlog that the peer works off, because then our ping is still stuck behind it; and
 * nothing is asked of a peer while it is we who do not read.
 *
 * A mark for each packet instead of a look at the clock: what it costs is one assignment.
 */

import type { Clock } from "../../concurrency/clock.js";
import { Deadline } from "../../concurrency/deadline.js";

/** Whose heart beats. */
export interface HeartbeatOwner {
  readonly clock: Clock;
  /** In milliseconds. */
  readonly heartbeatInterval: number;
  /** Whether it is we who keep the peer waiting. */
  readonly readingPaused: boolean;
  /** Bytes of the transport's that the system has not taken. */
  readonly backlogBytes: number;
  /** Bytes handed to the transport since the beginning. */
  readonly handedBytes: number;
  sendHeartbeat(): void;
  /** Nothing came for a whole interval after a ping. */
  onSilence(): void;
}

/** One for each connection that has one. Never holds the process open. */
export class Heartbeat extends Deadline {
  /** Set by the owner when bytes arrive. */
  heard = true;
  readonly #owner: HeartbeatOwner;
  /** What the system had taken at the last beat, if there was a backlog; else -1. */
  #takenBytes = -1;

  constructor(owner: HeartbeatOwner) {
    super();
    this.#owner = owner;
    owner.clock.arm(this, owner.heartbeatInterval);
  }

  override expire(): void {
    const owner = this.#owner;
    if (!this.heard && !owner.readingPaused && !this.#peerTakes()) {
      owner.onSilence();
      return;
    }
    this.heard = false;
    this.#takenBytes = owner.backlogBytes > 0 ? owner.handedBytes - owner.backlogBytes : -1;
    owner.sendHeartbeat();
    owner.clock.arm(this, owner.heartbeatInterval);
  }

  stop(): void {
    this.#owner.clock.disarm(this);
  }

  /** What the system takes from a backlog, the peer has made room for. Without a backlog it takes whatever there is. */
  #peerTakes(): boolean {
    const { handedBytes, backlogBytes } = this.#owner;
    return this.#takenBytes >= 0 && handedBytes - backlogBytes > this.#takenBytes;
  }
}
