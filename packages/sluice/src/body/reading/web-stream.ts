/** A body as a web `ReadableStream`: a byte stream that pulls only when it is read. */

import type { ReadableByteStreamController, ReadableStream as WebReadableStream } from "node:stream/web";
import type { BodyFlow } from "../body-flow.js";
import { ownExactly } from "../own-bytes.js";
import { errorForStream, type ReaderSite } from "./fail-reader.js";

/**
 * Reads `flow` through a byte stream (BYOB readers welcome). Cancelling it cancels the body. `site`: where it was asked for, for
 * its error.
 */
export function toWebStream(flow: BodyFlow, site: ReaderSite): WebReadableStream<Uint8Array> {
  const tryForward = (controller: ReadableByteStreamController): boolean => {
    try {
      return forward(flow, controller);
    } catch (error) {
      throw errorForStream(flow, error, site);
    }
  };
  return new ReadableStream({
    type: "bytes",
    pull(controller): Promise<void> | undefined {
      if (tryForward(controller)) return undefined;
      return new Promise((resolve, reject) => {
        flow.wait(() => {
          try {
            tryForward(controller);
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      });
    },
    cancel(reason: unknown): void {
      flow.cancel(reason instanceof Error ? reason : undefined);
    },
  });
}

/** Passes on one piece, or the end; false if there is neither yet. */
function forward(flow: BodyFlow, controller: ReadableByteStreamController): boolean {
  const piece = flow.take();
  if (piece !== undefined) {
    // The stream takes the buffer away from whoever holds it, so the piece has to be alone in it.
    controller.enqueue(ownExactly(piece));
    return true;
  }
  if (!flow.atEnd()) return false;
  controller.close();
  // A BYOB read that was waiting is answered with no bytes, as the standard asks.
  controller.byobRequest?.respond(0);
  return true;
}
