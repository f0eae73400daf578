/** The messages of a connection as they begin. Who goes on to the next one has done with the last. */

import type { Inbox } from "./inbox.js";
import { InboxIterator, type InboxSource } from "./inbox-iterator.js";
import type { Incoming, MessageIntake } from "./message-intake.js";
import { IncomingStream, type MessageStream } from "./message-stream.js";

/** See above. */
export class MessageStreams extends InboxIterator<Incoming, MessageStream> {
  #present: MessageStream | undefined = undefined;

  constructor(intake: MessageIntake) {
    super(new StreamSource(intake));
  }

  override async next(): Promise<IteratorResult<MessageStream, undefined>> {
    this.#present?.drop();
    const result = await super.next();
    this.#present = result.value;
    return result;
  }

  override return(): Promise<IteratorResult<MessageStream, undefined>> {
    this.#present?.drop();
    return super.return();
  }
}

/** The same inbox, read as streams: messages that were kept before are streams of one part. */
class StreamSource implements InboxSource<Incoming, MessageStream> {
  readonly #intake: MessageIntake;

  constructor(intake: MessageIntake) {
    this.#intake = intake;
  }

  get inbox(): Inbox<Incoming> {
    return this.#intake.inbox;
  }

  get failure(): Error | undefined {
    return this.#intake.failure;
  }

  shape(item: Incoming): MessageStream {
    return item instanceof IncomingStream ? item : IncomingStream.of(item);
  }

  onRead(): void {
    this.#intake.onRead();
  }
}
