/** The far end of a connection, whatever carries it: what a hub needs to know of it, and no more. */

import type { WireFrame } from "../protocol/wire-frame.js";

/** Why a connection is ended: a WebSocket's close code and reason (RFC 6455 §7.4). */
export interface EndCode {
  readonly code: number;
  readonly reason: string;
}

/** One receiver of frames. Its methods do not throw, and do nothing once it is over. */
export interface Subscriber {
  /**
   * Takes the frame, always. False: no more for now, {@link SubscriberOwner.onDrain} follows. It is never waited for: what it cannot pass on is
   * held here and counted in {@link bufferedBytes}.
   */
  send(frame: WireFrame): boolean;
  /** Bytes taken that have not left. */
  readonly bufferedBytes: number;
  /** Ends the connection after what has been taken has left, or after a while without that. */
  end(code: EndCode): void;
  /** Ends it at once; what has not left is lost. */
  abandon(): void;
}

/** Who is told of a subscriber. */
export interface SubscriberOwner {
  /** There is room again after `send` was false. */
  onDrain(): void;
  /** It is over, whoever ended it: called once. */
  onOver(): void;
}

/** The close codes of the protocol (docs/push-protocol.md). */
export const END = {
  restart: { code: 1012, reason: "restart" },
  busy: { code: 1013, reason: "busy" },
  notAFrame: { code: 4000, reason: "not a frame" },
  expired: { code: 4001, reason: "expired" },
  removed: { code: 4003, reason: "removed" },
  slow: { code: 4008, reason: "slow" },
  tooFast: { code: 4029, reason: "too fast" },
} as const satisfies Record<string, EndCode>;
