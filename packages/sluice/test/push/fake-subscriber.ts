/** A receiver of frames that remembers them, and can be made to take none. */

import type { EndCode, Subscriber, SubscriberOwner } from "../../src/push/delivery/subscriber.js";
import type { WireFrame } from "../../src/push/protocol/wire-frame.js";

/** A frame as a client reads it. */
export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

export class FakeSubscriber implements Subscriber {
  readonly wire: WireFrame[] = [];
  readonly frames: Frame[] = [];
  owner: SubscriberOwner | undefined;
  ended: EndCode | undefined;
  abandoned = false;
  bufferedBytes = 0;
  /** Takes nothing more: what comes is buffered, and there is no room. */
  stuck = false;
  onFrame: ((frame: Frame) => void) | undefined;

  send(frame: WireFrame): boolean {
    if (this.ended !== undefined && frame.text.includes('"type":"message"')) throw new Error("sent after the end");
    this.wire.push(frame);
    const parsed = JSON.parse(frame.text) as Frame;
    this.frames.push(parsed);
    this.onFrame?.(parsed);
    if (!this.stuck) return true;
    this.bufferedBytes += frame.byteLength;
    return false;
  }

  end(code: EndCode): void {
    this.ended = code;
    queueMicrotask(() => this.drop());
  }

  abandon(): void {
    this.abandoned = true;
    this.drop();
  }

  /** The connection is gone, whoever wanted that. */
  drop(): void {
    const { owner } = this;
    this.owner = undefined;
    owner?.onOver();
  }

  /** Everything has left, and there is room. */
  release(): void {
    this.stuck = false;
    this.bufferedBytes = 0;
    this.owner?.onDrain();
  }

  /** Frames of a type. */
  of(type: string): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** The offsets of the messages, in the order they came. */
  get offsets(): unknown[] {
    return this.of("message").map(({ offset }) => offset);
  }

  get data(): unknown[] {
    return this.of("message").map(({ data }) => data);
  }

  get last(): Frame | undefined {
    return this.frames.at(-1);
  }
}
