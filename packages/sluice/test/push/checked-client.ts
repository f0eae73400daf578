/**
 * A client that keeps to the protocol's duties, comes back with its positions, and checks each frame against them: no message twice, none out of order,
 * none missing without a `gap` that says so.
 */

import type { Hub } from "../../src/push/hub/hub.js";
import type { Position } from "../../src/push/protocol/position.js";
import type { Frame } from "./fake-subscriber.js";
import { TestClient } from "./hub-setup.js";

export class CheckedClient {
  readonly positions = new Map<string, Position>();
  /** Every message ever received, as `room epoch:offset`. */
  readonly seen: string[] = [];
  readonly gaps: Frame[] = [];
  readonly faults: string[] = [];
  connection: TestClient | undefined;
  readonly #hub: Hub;
  /** Offsets may jump without a gap: the room passes on the latest only. */
  readonly #conflated: boolean;

  constructor(hub: Hub, conflated: "conflated" | "complete" = "complete") {
    this.#hub = hub;
    this.#conflated = conflated === "conflated";
  }

  connect(): TestClient {
    const connection = new TestClient(this.#hub);
    connection.onFrame = (frame) => this.#check(frame);
    this.connection = connection;
    return connection;
  }

  /** Joins, with the position that it has in the room. Resolves when the answer has come. */
  async join(room: string, more: object = {}): Promise<void> {
    const since = this.positions.get(room);
    await this.connection?.port.receive(JSON.stringify({ type: "join", room, since, ...more }));
  }

  /** Loses the connection. */
  drop(): void {
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) return;
    connection.onFrame = undefined;
    connection.drop();
  }

  #check(frame: Frame): void {
    if (frame.type !== "joined" && frame.type !== "gap" && frame.type !== "message") return;
    const { room, epoch, offset, recovered } = frame as Frame & Position & { room: string; recovered?: boolean };
    const before = this.positions.get(room);
    this.positions.set(room, { epoch, offset });
    if (frame.type === "gap") this.gaps.push(frame);
    if (frame.type === "joined" && recovered === true && (before?.epoch !== epoch || before.offset !== offset)) {
      this.faults.push(`recovered at ${epoch}:${offset}, not ${before?.epoch}:${before?.offset}`);
    }
    if (frame.type !== "message") return;
    const follows =
      before?.epoch === epoch && (this.#conflated ? offset > before.offset : offset === before.offset + 1);
    if (!follows) this.faults.push(`${epoch}:${offset} after ${before?.epoch}:${before?.offset}`);
    this.seen.push(`${room} ${epoch}:${offset}`);
  }
}
