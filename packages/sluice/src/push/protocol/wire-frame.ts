/**
 * One frame for many receivers: written once in each form that a wire wants (a WebSocket frame, an event for SSE), when the first receiver of that
 * form comes, and then the same for all. While it waits for somebody it costs its text and the forms that were made of it.
 */

import { formatEvent } from "../../body/event-stream/format-event.js";
import { formatPosition, type Position } from "./position.js";

/** Where a frame takes its receiver, and for a message its key (empty if it has none). */
export interface FramePlace extends Position {
  readonly room: string;
  /** Present: the frame is a message, and the next in its room. */
  readonly key?: string;
}

/** A frame on its way to any number of receivers. */
export class WireFrame {
  /** The frame: JSON. */
  readonly text: string;
  /** The position of its receiver afterwards; undefined: it moves none. */
  readonly place: FramePlace | undefined;
  /** When its receiver is to come back by itself, in milliseconds: events have a field for that. */
  readonly retryMs: number | undefined;
  /** The form that WebSockets share, kept by whoever makes it. */
  socketForm: unknown = undefined;
  #byteLength: number | undefined;
  #event: Buffer | undefined;
  #eventWithId: Buffer | undefined;

  constructor(text: string, place?: FramePlace, retryMs?: number) {
    this.text = text;
    this.place = place;
    this.retryMs = retryMs;
  }

  /** Its size as the limits count it: of the text in UTF-8. */
  get byteLength(): number {
    this.#byteLength ??= Buffer.byteLength(this.text);
    return this.#byteLength;
  }

  /** The frame as an event without an id. */
  get event(): Buffer {
    this.#event ??= Buffer.from(formatEvent({ retry: this.retryMs, event: this.#eventName, data: this.text }));
    return this.#event;
  }

  /** The frame as an event of a stream of one room: with the position as its id, if it has one. */
  get eventWithId(): Buffer {
    if (this.place === undefined) return this.event;
    const id = formatPosition(this.place);
    this.#eventWithId ??= Buffer.from(formatEvent({ id, event: this.#eventName, data: this.text }));
    return this.#eventWithId;
  }

  /** Messages are events without a name, so that `onmessage` gets them. */
  get #eventName(): string | undefined {
    return this.place?.key === undefined ? "push" : undefined;
  }
}
