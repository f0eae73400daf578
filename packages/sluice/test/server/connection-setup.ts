/** A connection on a scripted transport and a clock that the test drives. */
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { ScriptedTransport } from "../../src/net/scripted.js";
import type { Transport } from "../../src/net/transport.js";
import { Connection } from "../../src/server/connection.js";
import { type ConnectionOptions, resolveConnectionOptions } from "../../src/server/connection-options.js";
import type { Responder } from "../../src/server/exchange.js";
import { linkSettingsFrom } from "../../src/server/listen.js";
import { Reply } from "../../src/server/reply.js";
import { inMemory } from "../wire/server-link-setup.js";

export const text = (body: string): Reply => new Reply(200, [], inMemory(body));

export const echo: Responder = async (exchange) => text(await exchange.body.text());

/** A connection on any transport, and what its server would be told. */
export class Watched {
  readonly clock = new ManualClock();
  readonly connection: Connection;
  readonly errors: unknown[] = [];
  closed = 0;

  constructor(transport: Transport, responder: Responder, options: ConnectionOptions = {}) {
    const resolved = resolveConnectionOptions(options);
    this.connection = new Connection(transport, {
      responder,
      options: resolved,
      linkSettings: linkSettingsFrom(resolved, this.clock),
      clock: this.clock,
      onError: (error) => this.errors.push(error),
      onConnectionClosed: () => {
        this.closed += 1;
      },
      onConnectionHandedOver: () => ({
        onReleased: () => {
          this.closed += 1;
        },
        onReleaseError: (error) => this.errors.push(error),
      }),
    });
  }
}

/** A watched connection on a scripted transport. */
export class Timed extends Watched {
  readonly transport: ScriptedTransport;

  constructor(responder: Responder, options: ConnectionOptions = {}) {
    const transport = new ScriptedTransport();
    super(transport, responder, options);
    this.transport = transport;
  }

  /** Bytes arrive, and what they cause is done; returns what was written. */
  async packets(...packets: string[]): Promise<string> {
    this.transport.feed(...packets);
    return this.settled();
  }

  async settled(): Promise<string> {
    for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    this.transport.flush();
    return this.transport.takeWritten();
  }

  /** Time passes, and what that causes is done. */
  async pass(ms: number): Promise<string> {
    this.clock.advance(ms);
    return this.settled();
  }
}

export function timed(responder: Responder, options: ConnectionOptions = {}): Timed {
  return new Timed(responder, options);
}
