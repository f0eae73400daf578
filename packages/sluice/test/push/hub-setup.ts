/** A hub on a clock that is moved by hand, and clients of it without a wire. */

import { setImmediate as immediate } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { seededRandom } from "../../src/platform/random.js";
import type { HubUser } from "../../src/push/bus/bus.js";
import { Hub } from "../../src/push/hub/hub.js";
import type { HubOptions } from "../../src/push/hub/hub-options.js";
import type { HubPort } from "../../src/push/hub/hub-port.js";
import type { ServeOptions } from "../../src/push/hub/serve-options.js";
import { FakeSubscriber, type Frame } from "./fake-subscriber.js";

/** Lets everything that is ready have its turn, several times over. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await immediate();
}

export const anybody = (): boolean => true;

export interface TestHub {
  readonly hub: Hub;
  readonly clock: ManualClock;
  readonly errors: unknown[];
  connect(options?: ServeOptions<HubUser>): TestClient;
}

/** Everybody may do everything, unless `options` say otherwise. */
export function makeHub(options: HubOptions = {}): TestHub {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const hub = new Hub({ clock, random, authorize: anybody, ...options });
  const errors: unknown[] = [];
  hub.on("error", ({ error }) => errors.push(error));
  onTestFinished(() => hub.close({ over: 0 }));
  return { hub, clock, errors, connect: (given) => new TestClient(hub, given) };
}

export class TestClient extends FakeSubscriber {
  readonly port: HubPort<HubUser>;

  constructor(hub: Hub, options: ServeOptions<HubUser> & { readonly answersPings?: boolean } = {}) {
    super();
    this.port = hub.attach(this, options);
    this.owner = this.port;
  }

  /** Sends a frame, and waits until it is worked off. */
  async say(frame: object): Promise<Frame | undefined> {
    await this.port.receive(JSON.stringify(frame));
    return this.last;
  }

  /** Joins, and gives the answer when the member is live. */
  async join(room: string, more: object = {}): Promise<Frame | undefined> {
    await this.port.receive(JSON.stringify({ type: "join", room, ...more }));
    await settle(1);
    return this.frames.find((frame) => (frame.type === "joined" || frame.type === "error") && frame.room === room);
  }
}
