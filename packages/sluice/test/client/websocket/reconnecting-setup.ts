/** A `ReconnectingWebSocket` on a network in memory, time by hand. */
import type { ClientSession } from "../../../src/client/session.js";
import type { ReconnectingWebSocketOptions } from "../../../src/client/websocket/reconnecting-options.js";
import { ReconnectingWebSocket } from "../../../src/client/websocket/reconnecting-websocket.js";
import { closeAfter, turns } from "../fake-net.js";
import { SocketNet } from "./handshakes.js";

export const FOREVER = Number.POSITIVE_INFINITY;

export interface Setup {
  readonly net?: SocketNet;
  readonly session?: ClientSession;
  readonly random?: () => number;
}

/** One on a network in memory, and what it has told of itself. */
export function started(options: ReconnectingWebSocketOptions = {}, { net = new SocketNet(), ...setup }: Setup = {}) {
  const session = setup.session ?? net.session({}, { random: setup.random ?? (() => 0.5) });
  const log: string[] = [];
  const live = closeAfter(
    new ReconnectingWebSocket(session, "ws://h.test/", {
      heartbeat: FOREVER,
      onLost: ({ code }) => log.push(`lost ${code}`),
      onReconnect: ({ attempt, delay }) => log.push(`again ${attempt} in ${delay}`),
      onClosed: ({ code }) => log.push(`closed ${code}`),
      ...options,
      onOpen: async (socket, opening) => {
        log.push(`open ${opening.connection} after ${opening.attempt}`);
        await options.onOpen?.(socket, opening);
      },
    }) as ReconnectingWebSocket & { close(): Promise<void> },
  );
  return { net, session, live, log };
}

/** Until handshakes, closings and what follows are done. */
export async function settled(): Promise<void> {
  await turns(12);
}

/** The end of the connection there is, as the peer has it. */
export async function lose(net: SocketNet, code?: number): Promise<void> {
  if (code === undefined) net.peer().connection.reset();
  else net.peer().close(code);
  await settled();
}

export async function read(live: ReconnectingWebSocket, into: unknown[]): Promise<unknown> {
  try {
    for await (const message of live) into.push(message);
    return "ended";
  } catch (error) {
    return error;
  }
}
