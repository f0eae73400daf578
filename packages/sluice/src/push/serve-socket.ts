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

/**
 * Resolves when the connection is over. Rejects with what `hub.attach` throws for a mistake in `options`.
 *
 * No function of this waits while the socket is idle: an async function that does costs each of thousands half a kilobyte.
 */
export function serveSocket<User extends HubUser>(
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
    if (!isSluiceError(error) || error.code !== "push/busy") return Promise.reject(error);
    subscriber.send(byeFrame("restart", BUSY_RETRY_MS));
    subscriber.end(END.busy);
    return Promise.resolve();
  }
  subscriber.tell(port);
  if (!speaksProtocol) {
    for (const room of options.rooms ?? []) void port.join({ room, since: undefined, history: 0, presence: false });
  }
  const received = socket.receiveEach((message) => port.receive(message));
  return new Promise((resolve, reject) => {
    // A connection that breaks off has ended, and the hub knows; anything else is a fault of ours.
    received.catch((error: unknown) => isSluiceError(error) || reject(error));
    // What a frame asked for may take longer than the connection lasts, or for ever: nobody waits for that.
    void socket.closed.then(() => resolve());
  });
}
