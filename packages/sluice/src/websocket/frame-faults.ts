/** What can be wrong with a peer's frames: one line each, so that whoever reads frames can refuse in one. */

import { CLOSE_CODES } from "./close-codes.js";
import { MAX_CONTROL_BYTES } from "./opcodes.js";
import { WebSocketFault } from "./websocket-fault.js";

/** A breach of RFC 6455 §5; `what` happened, in a clause. */
export function brokenFrame(code: `websocket/${string}`, what: string): WebSocketFault {
  return new WebSocketFault(code, `Cannot read the frame: ${what} (RFC 6455 §5)`, CLOSE_CODES.PROTOCOL_ERROR);
}

/** §5.1: `mustBe` masked, and is not, or the other way round. */
export function wronglyMasked(mustBe: boolean): WebSocketFault {
  return mustBe
    ? brokenFrame("websocket/unmasked-frame", "a client's frame is not masked")
    : brokenFrame("websocket/masked-frame", "a server's frame is masked");
}

/** §5.5. */
export function controlTooLarge(): WebSocketFault {
  return brokenFrame("websocket/control-too-large", `a control frame has more than ${MAX_CONTROL_BYTES} octets`);
}

/** §7.4.1, §10.4. */
export function messageTooLarge(maxMessageSize: number): WebSocketFault {
  return new WebSocketFault(
    "websocket/message-too-large",
    `Cannot take the message: it has more than the limit of ${maxMessageSize} bytes`,
    CLOSE_CODES.TOO_BIG,
  );
}

/** §8.1. */
export function textInvalid(what: string): WebSocketFault {
  return new WebSocketFault(
    "websocket/text-invalid",
    `Cannot take ${what}: it is not UTF-8 (RFC 6455 §8.1)`,
    CLOSE_CODES.INVALID_PAYLOAD,
  );
}

/** What `error`, met while frames were read, says to the peer: what is not its fault is ours (§7.4.1). */
export function faultBehind(error: unknown, maxMessageSize: number): WebSocketFault {
  if (error instanceof WebSocketFault) return error;
  if ((error as { code?: unknown }).code === "ERR_STRING_TOO_LONG") return messageTooLarge(maxMessageSize);
  return new WebSocketFault("websocket/internal", "Cannot take the message: an error of our own", CLOSE_CODES.INTERNAL);
}
