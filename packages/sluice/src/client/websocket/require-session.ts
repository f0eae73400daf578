/** Who makes sockets is given a session first; callers in plain JavaScript forget that, and are told. */
import { UsageError } from "../../errors.js";
import { kindOf } from "../../options.js";
import type { ClientSession } from "../session.js";

/** Throws `UsageError` `options/unknown-value`. By what it does, so that its class need not be loaded for it. */
export function requireSession(given: ClientSession | undefined | null): void {
  if (typeof given?.websocket === "function" && typeof given.connector === "object") return;
  throw new UsageError(
    "options/unknown-value",
    `Cannot use session: expected a ClientSession, received ${kindOf(given)}`,
  );
}
