import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { FrameReader } from "../../src/websocket/frame-reader.js";
import { giveFrameReaderBack, takeFrameReader } from "../../src/websocket/frame-readers.js";
import { LentFrameReader } from "../../src/websocket/lent-frame-reader.js";
import { CLIENT, type Event, frame, KEY, Recorder, read, SERVER } from "./wire.js";

const TEXT = 1;
const CONTINUATION = 0;
const PING = 9;
const CLOSE = 8;
const masked = (opcode: number, payload: string | Uint8Array, fin = true): Buffer =>
  Buffer.from(frame({ opcode, payload, key: KEY, fin }));

const taken: FrameReader[] = [];
const take = (recorder = new Recorder(), settings = SERVER): FrameReader => {
  const reader = takeFrameReader(recorder, settings);
  taken.push(reader);
  return reader;
};
afterEach(() => {
  for (const reader of taken.splice(0)) giveFrameReaderBack(reader);
});

/** A connection that has a reader as long as it needs one. */
function connection(): { readonly recorder: Recorder; readonly reader: LentFrameReader } {
  const recorder = new Recorder();
  return { recorder, reader: new LentFrameReader(recorder, SERVER) };
}

describe("shared frame readers", () => {
  test("between two messages a reader is given back, and the next connection gets it", () => {
    const reader = take();
    reader.feed(masked(TEXT, "one"), true);
    reader.feed(masked(PING, ""), true);
    expect(giveFrameReaderBack(reader)).toBe(true);
    const recorder = new Recorder();
    expect(take(recorder, CLIENT)).toBe(reader);
    reader.feed(Buffer.from(frame({ opcode: TEXT, payload: "two" })), true);
    expect(recorder.events.map((event) => (event as Event & { latin1: string }).latin1)).toEqual(["two"]);
    expect(() => reader.feed(masked(TEXT, "three"), true)).toThrow(/mask/i);
  });

  test.each<[string, (reader: FrameReader) => void]>([
    ["within a head", (reader) => reader.feed(masked(TEXT, "abc").subarray(0, 3), true)],
    ["within a payload", (reader) => reader.feed(masked(TEXT, "abc").subarray(0, 7), true)],
    ["within a control frame", (reader) => reader.feed(masked(PING, "abc").subarray(0, 7), true)],
    ["within the head of a control frame", (reader) => reader.feed(masked(PING, "abc").subarray(0, 1), true)],
    ["between two fragments", (reader) => reader.feed(masked(TEXT, "abc", false), true)],
    ["behind a close frame", (reader) => reader.feed(masked(CLOSE, ""), true)],
    ["paused", (reader) => reader.pause()],
    ["having failed", (reader) => expect(() => reader.feed(masked(CONTINUATION, "abc"), true)).toThrow(/no message/)],
  ])("a reader stays with its connection %s", (_where, use) => {
    const reader = take();
    use(reader);
    expect(giveFrameReaderBack(reader)).toBe(false);
    expect(take()).not.toBe(reader);
  });

  test("a reader that is being used has no other connection", () => {
    const recorder = new Recorder();
    const reader = take(recorder);
    recorder.afterCall = () => {
      expect(giveFrameReaderBack(reader)).toBe(false);
      expect(take()).not.toBe(reader);
    };
    reader.feed(masked(TEXT, "abc"), true);
    expect(recorder.calls).toEqual(["whole"]);
  });

  test("a connection that is paused keeps its reader, and what comes meanwhile waits for it", () => {
    const [paused, other] = [connection(), connection()];
    paused.reader.pause();
    paused.reader.feed(masked(TEXT, "one"), true);
    other.reader.feed(masked(TEXT, "two"), true);
    expect([paused.recorder.calls, other.recorder.calls]).toEqual([[], ["whole"]]);
    paused.reader.resume();
    expect(paused.recorder.calls).toEqual(["whole"]);
  });

  test("a connection whose peer broke the rules is told so ever after, and the others are not", () => {
    const [broken, other] = [connection(), connection()];
    for (let packet = 0; packet < 2; packet += 1) {
      expect(() => broken.reader.feed(masked(CONTINUATION, "abc"), true)).toThrow(/no message/);
    }
    other.reader.feed(masked(TEXT, "two"), true);
    expect(other.recorder.calls).toEqual(["whole"]);
  });

  test("connections that share them read what they would read alone, however their packets are cut and mixed", () => {
    const message = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 150 }).map((text) => [masked(TEXT, text)]),
      fc.uint8Array({ maxLength: 150 }).map((bytes) => [masked(2, bytes)]),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => [masked(PING, bytes)]),
      fc
        .tuple(fc.string({ maxLength: 40 }), fc.string({ maxLength: 40 }))
        .map(([one, two]) => [masked(TEXT, one, false), masked(PING, "between"), masked(CONTINUATION, two)]),
    );
    const wire = fc.array(message, { maxLength: 6 }).map((messages) => Buffer.concat(messages.flat()));
    const steps = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 200 })), { maxLength: 60 });
    fc.assert(
      fc.property(fc.tuple(wire, wire, wire), steps, (wires, order) => {
        const rests = wires.map((each) => each as Uint8Array);
        const connections = wires.map(connection);
        const end = wires.map((each, which): [number, number] => [which, each.length]);
        for (const [which, bytes] of [...order, ...end]) {
          const rest = rests[which] ?? new Uint8Array(0);
          connections[which]?.reader.feed(Buffer.from(rest.subarray(0, bytes)), true);
          rests[which] = rest.subarray(bytes);
        }
        expect(connections.map(({ recorder }) => recorder.events)).toEqual(wires.map((each) => read(each).events));
      }),
      { numRuns: 300 },
    );
  });
});
