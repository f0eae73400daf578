/**
 * The sending side of a server's connection: one answer at a time, in the order asked for. Strategy: heads, and bodies that are
 * ASCII text in memory, are gathered in one string and leave together at `flush`, so that the answers to all requests of
 * one packet are one write; other small bodies join the same corked group; large and streamed ones go through a pump.
 */

import type { Payload } from "../body/payload.js";
import type { Transport } from "../net/transport.js";
import type { AnswerPlan } from "./answer-head.js";
import { PayloadPump, type PumpOwner } from "./payload-pump.js";
import { isAsciiText, SMALL_BODY_BYTES, type WriteTarget, writeWhole } from "./write-whole.js";

/** Gathered text beyond this many characters is written without waiting for the end of the packet. */
const LARGE_BATCH_CHARS = 32 * 1024;

/** Told how sending goes on. `onAnswerEnd` may be called before `send` returns. */
export interface AnswerWriterOwner {
  /** The answer is with the transport, or is cut short by `error`. */
  onAnswerEnd(bodyBytes: number, error: Error | undefined): void;
  /** The transport is full (`stalled`), or has room again. Called on each change. */
  onStalled(stalled: boolean): void;
}

/** Writes answers to a transport; `write` and the cork are there for the pump. */
export class AnswerWriter implements WriteTarget, PumpOwner {
  readonly #transport: Transport;
  readonly #owner: AnswerWriterOwner;
  #batch = "";
  #corked = false;
  #stalled = false;
  #pump: PayloadPump | undefined;

  constructor(transport: Transport, owner: AnswerWriterOwner) {
    this.#transport = transport;
    this.#owner = owner;
  }

  /** Whether the peer reads more slowly than we write. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** Adds an interim response, or another head without a body, to what leaves at the next `flush`. */
  sendText(text: string): void {
    this.#batch += text;
    if (this.#batch.length > LARGE_BATCH_CHARS) this.#writeBatch();
  }

  /** Sends one answer; the previous one has ended. What is not streamed waits for `flush`. */
  send(plan: AnswerPlan, payload: Payload | undefined): void {
    if (payload === undefined || plan.framing === "none") {
      payload?.discard();
      this.sendText(plan.head);
      this.#owner.onAnswerEnd(0, undefined);
      return;
    }
    const { whole } = payload;
    if (whole === undefined || plan.framing !== "length" || plan.bodyBytes > SMALL_BODY_BYTES) {
      this.#sendStreamed(plan, payload);
      return;
    }
    if (typeof whole === "string" && isAsciiText(whole, plan.bodyBytes)) this.sendText(plan.head + whole);
    else this.#sendJoined(plan, whole);
    this.#owner.onAnswerEnd(plan.bodyBytes, undefined);
  }

  /** Everything gathered leaves now. */
  flush(): void {
    this.#writeBatch();
    if (!this.#corked) return;
    this.#corked = false;
    this.#transport.uncork();
  }

  /** The transport has room again. */
  onDrain(): void {
    this.#setStalled(false);
    this.#pump?.onDrain();
  }

  /** Gives up what is being sent, without a further call to the owner. Returns the body bytes sent of it. */
  cancel(): number {
    this.#batch = "";
    const pump = this.#pump;
    this.#pump = undefined;
    pump?.cancel();
    return pump?.bytesSent ?? 0;
  }

  // What the pump uses and says.

  write(bytes: Uint8Array | string, encoding?: "latin1" | "utf8"): boolean {
    const room = this.#transport.write(bytes, encoding);
    if (!room) this.#setStalled(true);
    return room;
  }

  cork(): void {
    this.#transport.cork();
  }

  uncork(): void {
    this.#transport.uncork();
  }

  onPumpDone(): void {
    this.#endStreamed(undefined);
  }

  onPumpError(error: Error): void {
    this.#endStreamed(error);
  }

  onPumpProgress(): void {
    // Progress towards the peer shows in the transport's buffer, which is what the send time-out watches.
  }

  #sendJoined(plan: AnswerPlan, whole: Uint8Array | string): void {
    const before = this.#batch + plan.head;
    this.#batch = "";
    if (!this.#corked) {
      this.#corked = true;
      this.#transport.cork();
    }
    writeWhole(this, before, whole, plan.bodyBytes);
  }

  #sendStreamed(plan: AnswerPlan, payload: Payload): void {
    const before = this.#batch + plan.head;
    this.#batch = "";
    if (this.#corked) this.flush();
    const pump = new PayloadPump(this, this);
    this.#pump = pump;
    if (plan.framing !== "none") pump.start(payload, plan.framing, before, plan.bodyBytes);
  }

  #endStreamed(error: Error | undefined): void {
    const sent = this.#pump?.bytesSent ?? 0;
    this.#pump = undefined;
    this.#owner.onAnswerEnd(sent, error);
  }

  #writeBatch(): void {
    const batch = this.#batch;
    if (batch === "") return;
    this.#batch = "";
    this.write(batch, "latin1");
  }

  #setStalled(stalled: boolean): void {
    if (stalled === this.#stalled) return;
    this.#stalled = stalled;
    this.#owner.onStalled(stalled);
  }
}
