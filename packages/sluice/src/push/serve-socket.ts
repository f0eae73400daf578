/** `hub.serve`: a WebSocket as a connection of a hub, from the first frame to the last. */

import { isSluiceError } from "../errors.js";
import type { HubUser } from "./bus/bus.js";
import { type PushSocket, SocketSubscriber } from "./delivery/socket-subscriber.js";
import { END } from "./delivery/subscriber.js";
import type { Hub } from "./hub/hub.js";
import type { HubPort } from "./hub/hub-port.js";
import type { ServeOptions } from "./hub/serve-options.js";
import { byeFrame, PUSH_PROTOCOL } from "./protocol/frames.js";

/** When those come back for whom there was no room, in milliseconds. */
const BUSY_RETRY_MS = 5_000;

/** Resolves when the connection is over. Throws what `hub.attach` throws for a mistake in `options`. */
export async function serveSocket<User extends HubUser>(
  hub: Hub<User>,
  socket: PushSocket,
  options: ServeOptions<User>,
): Promise<void> {
  const subscriber = new SocketSubscriber(socket);
  // Who has not agreed to the protocol may be anything that can read JSON: a command line, say. It need not answer, nor ask.
  const speaksProtocol = socket.protocol === PUSH_PROTOCOL;
  let port: HubPort<User>;
  try {
    port = hub.attach(subscriber, { ...options, answersPings: speaksProtocol });
  } catch (error) {
    if (!isSluiceError(error) || error.code !== "push/busy") throw error;
    subscriber.send(byeFrame("restart", BUSY_RETRY_MS));
    subscriber.end(END.busy);
    return;
  }
  subscriber.tell(port);
  if (!speaksProtocol) {
    for (const room of options.rooms ?? []) void port.join({ room, since: undefined, history: 0, presence: false });
  }
  // What a frame asked for may take longer than the connection lasts, or for ever: nobody waits for that.
  await Promise.race([receiveAll(socket, port), socket.closed]);
  await socket.closed;
}

async function receiveAll<User extends HubUser>(socket: PushSocket, port: HubPort<User>): Promise<void> {
  try {
    for await (const message of socket) await port.receive(message);
  } catch (error) {
    // A connection that breaks off has ended, and the hub knows; anything else is a fault of ours.
    if (!isSluiceError(error)) throw error;
  }
}
