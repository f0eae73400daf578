import { describe, expect, test } from "vitest";
import { Body } from "../../../../src/body/body.js";
import { ChangeLog } from "../../../../src/client/middleware/cache/recording/change-log.js";
import { Recording } from "../../../../src/client/middleware/cache/recording/recording.js";
import { RecordingRoom } from "../../../../src/client/middleware/cache/recording/recording-room.js";

const SOURCE = { pause() {}, resume() {}, cancel() {} };

describe("a recording", () => {
  test("ends once, with the whole body, and gives its room back", () => {
    const room = new RecordingRoom(100);
    const body = new Body(SOURCE);
    const ends: (string | undefined)[] = [];
    const recording = new Recording(room, 50, 6, (bytes) => ends.push(bytes && Buffer.from(bytes).toString()));
    recording.follow(body);
    const lent = Buffer.from("abc");
    body.push(lent, true);
    lent.fill(0);
    expect([room.bytes, ends]).toEqual([3, []]);
    body.push(Buffer.from("def"), true);
    body.finish([]);
    recording.stop();
    expect([room.bytes, ends]).toEqual([0, ["abcdef"]]);
  });

  test("what is lost or stopped ends with nothing, and gives its room back", () => {
    for (const end of [
      (body: Body) => body.fail(new Error("broken")),
      (body: Body) => body.cancel(),
      (_body: Body, recording: Recording) => recording.stop(),
    ]) {
      const room = new RecordingRoom(100);
      const body = new Body(SOURCE);
      const ends: unknown[] = [];
      const recording = new Recording(room, 50, undefined, (bytes) => ends.push(bytes));
      recording.follow(body);
      body.push(Buffer.from("abc"), true);
      end(body, recording);
      body.push(Buffer.from("more"), true);
      expect([room.bytes, ends]).toEqual([0, [undefined]]);
    }
  });
});

describe("the change log", () => {
  test("tells what was changed after a mark from what was changed before it", () => {
    const changes = new ChangeLog();
    changes.note("a");
    const mark = changes.now;
    expect(changes.isChangedSince("a", mark)).toBe(false);
    changes.note("b");
    changes.note("a");
    expect([changes.isChangedSince("a", mark), changes.isChangedSince("b", mark)]).toEqual([true, true]);
    expect([changes.isChangedSince("c", mark), changes.isChangedSince("a", changes.now)]).toEqual([false, false]);
  });

  test("remembers a thousand keys; what it has forgotten counts as changed, whichever key is asked for", () => {
    const changes = new ChangeLog();
    const mark = changes.now;
    for (let key = 0; key < 1_000; key += 1) changes.note(String(key));
    expect(changes.isChangedSince("other", mark)).toBe(false);
    changes.note("one more");
    expect(changes.isChangedSince("other", mark)).toBe(true);
    expect(changes.isChangedSince("other", changes.now)).toBe(false);
  });
});
