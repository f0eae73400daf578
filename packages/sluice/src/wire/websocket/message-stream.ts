/**
 * A message that is read while it comes, fragment by fragment or in smaller parts: of a huge one no more is in memory than what has
 * arrived and was not taken, and that is bounded, because reading stops when it is too much.
 */

import { Collector } from "../../body/collect.js";
import { Inbox, type Message } from "./inbox.js";
import { InboxIterator, type InboxSource } from "./inbox-iterator.js";

/** Whoever feeds a stream. */
export interface MessageStreamOwner {
  /** Parts were taken, or are not wanted any more, or somebody waits for one: what is kept costs so much more. */
  onStreamRead(costChange: number): void;
}

/** One message, as `streams()` of a connection gives it: iterate over it once, or let it be. */
export interface MessageStream extends AsyncIterable<Message, undefined> {
  /** Text comes as strings, which end between characters; binary messages as bytes. */
  readonly type: "text" | "binary";
  /** The parts, as they come. Leaving the loop drops the rest of the message. Throws `WebSocketClosedError` if the rest never comes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined>;
  /** What has not been taken, in one piece: text as a string. */
  whole(): Promise<Message>;
  /** Nobody wants the parts that are still to come. */
  drop(): void;
}

/** A {@link MessageStream} and the side that feeds it. */
export class IncomingStream implements MessageStream, InboxSource<Message, Message> {
  readonly type: "text" | "binary";
  /** Of one that was complete when it was made; the parts of another are counted as they come and go. */
  readonly length: number;
  readonly #owner: MessageStreamOwner | undefined;
  readonly #parts = new Inbox<Message>();
  #failure: Error | undefined = undefined;
  #unwanted = false;
  /** The cost of the parts that the owner knows of. */
  #toldCost = 0;

  /** `owner` is told when something was read of it. */
  constructor(type: "text" | "binary", owner: MessageStreamOwner | undefined, length = 0) {
    this.type = type;
    this.#owner = owner;
    this.length = length;
  }

  /** One that is complete already. */
  static of(message: Message): IncomingStream {
    const stream = new IncomingStream(typeof message === "string" ? "text" : "binary", undefined, message.length);
    stream.push(message);
    stream.finish();
    return stream;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return new PartIterator(this);
  }

  async whole(): Promise<Message> {
    if (this.type === "text") {
      const texts: Message[] = [];
      for await (const part of this) texts.push(part);
      return texts.join("");
    }
    const collector = new Collector(Number.POSITIVE_INFINITY, undefined);
    for await (const part of this) if (typeof part !== "string") collector.add(part, false);
    return collector.take();
  }

  drop(): void {
    this.#unwanted = true;
    while (this.#parts.take() !== undefined);
    this.onRead();
  }

  get inbox(): Inbox<Message> {
    return this.#parts;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  shape(part: Message): Message {
    return part;
  }

  onRead(): void {
    const { cost } = this.#parts;
    const change = cost - this.#toldCost;
    this.#toldCost = cost;
    this.#owner?.onStreamRead(change);
  }

  push(part: Message): void {
    if (this.#unwanted || part.length === 0) return;
    this.#parts.push(part);
    this.#toldCost = this.#parts.cost;
  }

  finish(): void {
    this.#parts.end();
  }

  /** The rest will not come. Parts that came can still be taken. */
  fail(error: Error): void {
    if (this.#parts.ended) return;
    this.#failure = error;
    this.#parts.end();
  }
}

/** Who leaves the loop does not want the rest. */
class PartIterator extends InboxIterator<Message, Message> {
  readonly #stream: IncomingStream;

  constructor(stream: IncomingStream) {
    super(stream);
    this.#stream = stream;
  }

  override return(): Promise<IteratorResult<Message, undefined>> {
    this.#stream.drop();
    return super.return();
  }
}
