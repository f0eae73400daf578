/** Where the frames of one client go in: what whoever reads them from a wire has of the hub. */

import type { HubUser } from "../bus/bus.js";
import { END, type SubscriberOwner } from "../delivery/subscriber.js";
import { readClientFrame, refAtEnd } from "../protocol/client-frames.js";
import { errorFrame } from "../protocol/frames.js";
import type { Position } from "../protocol/position.js";
import type { FrameDesk } from "./frame-desk.js";
import { type HubConnection, msPerFrame } from "./hub-connection.js";
import type { HubParts } from "./hub-parts.js";

/** What a client's `join` says. */
export interface JoinRequest {
  readonly room: string;
  /** Where it left off. */
  readonly since: Position | undefined;
  /** Messages of the past to begin with, where it has not been before. */
  readonly history: number;
  /** To be told who is there, who comes and who goes. */
  readonly presence: boolean;
}

/** Made by `hub.attach`. */
export class HubPort<User extends HubUser> implements SubscriberOwner {
  readonly #parts: HubParts<User>;
  readonly #desk: FrameDesk<User>;
  readonly #connection: HubConnection<User>;

  constructor(parts: HubParts<User>, desk: FrameDesk<User>, connection: HubConnection<User>) {
    this.#parts = parts;
    this.#desk = desk;
    this.#connection = connection;
  }

  /** The connection's id, as events of the hub name it. */
  get id(): string {
    return this.#connection.id;
  }

  /** Whether the connection is over, or about to be. */
  get over(): boolean {
    return this.#connection.over;
  }

  /** Works one frame off; resolves when the next may come. What is no frame, such as bytes, ends the connection (4000). Does not reject. */
  async receive(message: string | Uint8Array): Promise<void> {
    const connection = this.#connection;
    if (connection.over) return;
    const { maxMessageSize, framesPerSecond } = this.#parts.settings.limits;
    const isTooLarge = typeof message === "string" && isLonger(message, maxMessageSize);
    const isAdmitted = connection.admit();
    if (isTooLarge) {
      const ref = refAtEnd(message);
      this.#refuse(errorFrame("too-large", `A frame can have ${maxMessageSize} bytes`, { ref }));
      return;
    }
    const frame = typeof message === "string" ? readClientFrame(message) : undefined;
    if (!isAdmitted) {
      const { ref, room } = { ref: undefined, room: undefined, ...frame };
      this.#refuse(errorFrame("too-fast", "Too many frames", { ref, room, retryAfter: msPerFrame(framesPerSecond) }));
      return;
    }
    if (frame === undefined) {
      connection.dismiss("policy", END.notAFrame, null);
      return;
    }
    const asker = { user: connection.user, namedRooms: connection.namedRooms, connection };
    const answer = await connection.busyWith(() => this.#desk.answer(asker, frame));
    if (answer !== undefined) connection.outbox.send(answer);
  }

  /** Joins a room as the client's frame would; `"asked"`: that it may was found out before. Does not reject. */
  join(request: JoinRequest, allowed: "asked" | "ask" = "ask"): Promise<void> {
    return this.#desk.join(this.#connection, { ...request, type: "join", ref: undefined }, allowed);
  }

  onDrain(): void {
    this.#connection.onDrain();
  }

  onOver(): void {
    this.#connection.onOver();
  }

  /** The server is about to end the connection: says goodbye. */
  endSoon(): void {
    this.#connection.dismiss("restart", END.restart);
  }

  #refuse(frame: ReturnType<typeof errorFrame>): void {
    this.#parts.tally.refused += 1;
    this.#connection.outbox.send(frame);
  }
}

/** Whether `text` has more bytes in UTF-8, counted only if that is not plain from its length. */
function isLonger(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}
