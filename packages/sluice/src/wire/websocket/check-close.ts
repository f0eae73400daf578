/** What may stand in a close frame of ours (RFC 6455 §5.5.1, §7.4). */

import { UsageError } from "../../errors.js";
import { kindOf } from "../../options.js";
import { mayBeSent } from "../../websocket/close-codes.js";

/** 125 bytes of a control frame, less two for the code (§5.5). */
const MAX_REASON_BYTES = 123;

/** `null`: no code. Throws `UsageError` `websocket/bad-close`. */
export function checkClose(code: number | null, reason: string): void {
  if (code === null && reason !== "") {
    throw new UsageError(
      "websocket/bad-close",
      "Cannot close with a reason and no code: a reason stands behind a code",
    );
  }
  if (code !== null && !mayBeSent(code)) {
    const allowed = "1000 to 1014 but 1004, 1005 and 1006, or 3000 to 4999";
    throw new UsageError("websocket/bad-close", `Cannot close with ${String(code)}: expected ${allowed}`);
  }
  if (typeof reason !== "string") {
    const message = `Cannot close with ${kindOf(reason)} for a reason: expected a string`;
    throw new UsageError("websocket/bad-close", message);
  }
  const bytes = Buffer.byteLength(reason);
  if (bytes > MAX_REASON_BYTES) {
    const message = `Cannot close with a reason of ${bytes} bytes: the limit is ${MAX_REASON_BYTES}`;
    throw new UsageError("websocket/bad-close", message);
  }
}
