/**
 * Readers for connections that are between two messages, which is where an idle one is: there a reader knows nothing that the next one
 * would have to know, so connections share a few, and have one of their own only while a message is under way.
 */

import { FrameReader, type FrameReaderSettings } from "./frame-reader.js";
import type { FrameSink } from "./frame-sink.js";

/** Feeding is over before the next connection's begins, so one would mostly do. */
const MOST_KEPT = 8;
const kept: FrameReader[] = [];

/** A reader that is at rest, for `sink`; nobody else has it until it is given back. */
export function takeFrameReader(sink: FrameSink, settings: FrameReaderSettings): FrameReader {
  const reader = kept.pop();
  if (reader === undefined) return new FrameReader(sink, settings);
  reader.begin(sink, settings);
  return reader;
}

/** Takes `reader` back if it is at rest, and says whether it was; it must not be used then. */
export function giveFrameReaderBack(reader: FrameReader): boolean {
  if (!reader.atRest) return false;
  // No connection is kept for the sake of a reader that waits for the next one.
  reader.begin(NOBODY, NO_SETTINGS);
  if (kept.length < MOST_KEPT) kept.push(reader);
  return true;
}

const NO_SETTINGS: FrameReaderSettings = { role: "server", compression: false, maxMessageSize: 1 };
const ignore = (): void => undefined;
const NOBODY: FrameSink = {
  onText: ignore,
  onWhole: ignore,
  onMessageStart: ignore,
  onData: ignore,
  onMessageEnd: ignore,
  onPing: ignore,
  onPong: ignore,
  onClose: ignore,
};
