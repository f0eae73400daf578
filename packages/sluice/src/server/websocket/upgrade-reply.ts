/** The answer that makes another protocol of a connection: 101 (RFC 9110 §15.2.2). Middleware may add to its fields, and no more. */

import { UsageError } from "../../errors.js";
import type { FieldLines } from "../../http1/sinks.js";
import type { Successor } from "../../wire/handed-over.js";
import { Reply } from "../reply.js";

const SWITCHING_PROTOCOLS = 101;

/** See the head of this file. It is over, for {@link Reply.whenSent}, when the other protocol has released the connection. */
export class UpgradeReply extends Reply {
  readonly #successor: Successor;

  /** `fields` name the protocol in `Upgrade`; the connection adds `Connection: Upgrade`. */
  constructor(fields: FieldLines, successor: Successor) {
    super(200, fields);
    this.#successor = successor;
  }

  override get successor(): Successor {
    return this.#successor;
  }

  override get status(): number {
    return SWITCHING_PROTOCOLS;
  }

  /** Throws `UsageError` `reply/status`: answer something else instead. */
  override set status(status: number) {
    throw new UsageError("reply/status", `Cannot make ${status} of an answer that changes the protocol`);
  }

  override discard(): void {
    super.discard();
    this.#successor.giveUp();
  }
}
