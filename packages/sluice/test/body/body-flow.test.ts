import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { PayloadError, UsageError } from "../../src/errors.js";
import { collect, lend, noise, OwnerSpy, SourceSpy, textOf, turn, utf8 } from "./support.js";

function arriving(highWaterMark?: number): { body: Body; source: SourceSpy; owner: OwnerSpy } {
  const source = new SourceSpy();
  const body = new Body(source, highWaterMark === undefined ? {} : { highWaterMark });
  const owner = new OwnerSpy();
  body.ownedBy(owner);
  return { body, source, owner };
}

describe("back-pressure", () => {
  test.each([
    ["at the mark there is room", 100, true],
    ["one past it there is none", 101, false],
  ])("%s", (_name, bytes, room) => {
    const { body } = arriving(100);
    expect(lend(body, noise(bytes))).toBe(room);
  });

  test("with the mark off everything is kept", () => {
    const { body } = arriving(Number.POSITIVE_INFINITY);
    for (let count = 0; count < 50; count += 1) expect(lend(body, noise(10_000))).toBe(true);
  });

  test("the mark is 64 KiB if nobody says otherwise", () => {
    const { body } = arriving();
    expect(lend(body, noise(65_536))).toBe(true);
    expect(lend(body, noise(1))).toBe(false);
  });

  test("an unread body never asks for more", async () => {
    const { body, source } = arriving(10);
    lend(body, noise(11));
    await turn();
    expect(source.calls).toEqual([]);
  });

  test("taking pieces asks for more once, when they are at the mark again", async () => {
    const { body, source } = arriving(10);
    const reader = body[Symbol.asyncIterator]();
    for (const size of [6, 6, 6]) lend(body, noise(size));
    await reader.next();
    expect(source.calls).toEqual([]);
    await reader.next();
    expect(source.calls).toEqual(["resume"]);
    await reader.next();
    expect(source.calls).toEqual(["resume"]);
  });

  test("resume is never called from inside push", async () => {
    const { body, source } = arriving(10);
    const reader = body[Symbol.asyncIterator]();
    const waiting = reader.next();
    expect(lend(body, noise(1_000))).toBe(true);
    expect(source.calls).toEqual([]);
    expect((await waiting).value).toEqual(noise(1_000));
  });

  test("a source that pushes while it resumes keeps order and bounds", async () => {
    const { body, source } = arriving(10);
    let next = 0;
    let most = 0;
    source.onResume = () => {
      let kept = 0;
      while (next < 100) {
        kept += 4;
        const room = lend(body, new Uint8Array(4).fill(next));
        next += 1;
        if (!room) break;
      }
      most = Math.max(most, kept);
      if (next === 100) body.finish([]);
    };
    source.onResume();
    const pieces = await collect(body);
    expect(pieces.map((piece) => piece[0])).toEqual(Array.from({ length: 100 }, (_value, index) => index));
    expect(most).toBeLessThanOrEqual(12);
  });

  test("pushing to a settled body is dropped without complaint", () => {
    const { body } = arriving(10);
    body.finish([]);
    expect(lend(body, noise(100))).toBe(true);
    expect(body.bytesReceived).toBe(0);
  });
});

describe("the owner", () => {
  test("is told once how the body ended", async () => {
    const finished = arriving();
    finished.body.finish([]);
    finished.body.fail(new Error("late"));
    finished.body.finish([]);
    finished.body.cancel();
    expect(finished.owner.events).toEqual(["finished"]);

    const failed = arriving();
    const error = new PayloadError("body/broken", "Broken off");
    failed.body.fail(error);
    failed.body.cancel();
    expect([failed.owner.events, failed.owner.errors]).toEqual([["failed"], [error]]);
    expect(failed.source.calls).toEqual([]);

    const cancelled = arriving();
    cancelled.body.cancel(error);
    cancelled.body.finish([]);
    expect([cancelled.owner.events, cancelled.owner.errors]).toEqual([["cancelled"], [error]]);
    expect(cancelled.source.reasons).toEqual([error]);
  });

  test("is told what it has missed", () => {
    const source = new SourceSpy();
    const body = new Body(source);
    const error = new PayloadError("body/broken", "Broken off");
    body.fail(error);
    const owner = new OwnerSpy();
    body.ownedBy(owner);
    expect([owner.events, owner.errors]).toEqual([["failed"], [error]]);

    const waiting = new Body(source);
    const reading = waiting.text();
    const late = new OwnerSpy();
    waiting.ownedBy(late);
    waiting.finish([]);
    expect(late.events).toEqual(["waiting", "not waiting", "finished"]);
    return reading;
  });

  test("learns when a reader waits and when it has got something", async () => {
    const { body, owner } = arriving();
    const reader = body[Symbol.asyncIterator]();
    const first = reader.next();
    lend(body, utf8("a"));
    lend(body, utf8("b"));
    await first;
    await reader.next();
    const end = reader.next();
    body.finish([]);
    await end;
    expect(owner.events).toEqual(["waiting", "not waiting", "waiting", "not waiting", "finished"]);
  });

  test("sees a collecting reader wait from start to end", async () => {
    const { body, owner } = arriving();
    lend(body, utf8("a"));
    const reading = body.text();
    lend(body, utf8("b"));
    body.finish([]);
    expect(await reading).toBe("ab");
    expect(owner.events).toEqual(["waiting", "not waiting", "finished"]);
  });

  test("hears nothing of waiting for a body that is there", async () => {
    const { body, owner } = arriving();
    lend(body, utf8("a"));
    body.finish([]);
    await body.text();
    expect(owner.events).toEqual(["finished"]);
  });
});

describe("cancelling", () => {
  test("ends whoever reads, with the reason or one of ours", async () => {
    const reason = new Error("enough");
    for (const read of [(body: Body) => body.text(), (body: Body) => body[Symbol.asyncIterator]().next()]) {
      const { body } = arriving();
      const reading = read(body);
      body.cancel(reason);
      await expect(reading).rejects.toBe(reason);
      const other = arriving();
      const waiting = read(other.body);
      other.body.cancel();
      await expect(waiting).rejects.toMatchObject({ name: "UsageError", code: "body/cancelled" });
    }
  });

  test("drops what was kept, and the body counts as used", async () => {
    const { body } = arriving();
    lend(body, utf8("abc"));
    body.cancel();
    await expect(body.text()).rejects.toThrow(UsageError);
    expect(body.settled).toBe(true);
  });

  test("in the middle of a complete body is no end: the reader hears of it", async () => {
    const { body } = arriving();
    lend(body, utf8("a"));
    lend(body, utf8("b"));
    body.finish([]);
    const reader = body[Symbol.asyncIterator]();
    await reader.next();
    await body.discard();
    await expect(reader.next()).rejects.toMatchObject({ code: "body/cancelled" });
  });

  test("a complete body that is cancelled tells nobody", () => {
    const { body, source, owner } = arriving();
    lend(body, utf8("abc"));
    body.finish([]);
    body.cancel();
    expect([source.calls, owner.events]).toEqual([[], ["finished"]]);
  });

  test("leaving an iteration cancels the rest", async () => {
    const { body, source, owner } = arriving();
    lend(body, utf8("abc"));
    for await (const piece of body) {
      expect(piece).toEqual(utf8("abc"));
      break;
    }
    expect(source.calls).toEqual(["cancel"]);
    expect(owner.events).toEqual(["cancelled"]);
  });

  test("leaving it by an error cancels as well", async () => {
    const { body, source } = arriving();
    lend(body, utf8("a\nb"));
    const reading = (async () => {
      for await (const line of body.lines()) throw new Error(`bad ${line}`);
    })();
    await expect(reading).rejects.toThrow("bad a");
    expect(source.calls).toEqual(["cancel"]);
  });
});

describe("discarding", () => {
  test("lets everything pass and resolves at the end", async () => {
    const { body, source } = arriving(10);
    lend(body, noise(100));
    let done = false;
    const discarded = body.discard().then(() => {
      done = true;
    });
    expect(source.calls).toEqual(["resume"]);
    for (let count = 0; count < 10; count += 1) expect(lend(body, noise(1_000))).toBe(true);
    await turn();
    expect(done).toBe(false);
    body.finish([]);
    await discarded;
    expect([body.used, body.complete]).toEqual([true, true]);
  });

  test.each([
    ["at", 10, []],
    ["one past", 9, ["cancel"]],
    ["off", Number.POSITIVE_INFINITY, []],
  ])("%s its limit of bytes", async (_name, most, calls) => {
    const { body, source } = arriving();
    const discarded = body.discard(most);
    lend(body, noise(4));
    lend(body, noise(6));
    body.finish([]);
    await discarded;
    expect(source.calls).toEqual(calls);
  });

  test("resolves when the body breaks off, and at once when it is over or half-read", async () => {
    const broken = arriving();
    const discarded = broken.body.discard();
    broken.body.fail(new Error("reset"));
    await discarded;
    await Body.of(utf8("x")).discard();
    const { body, source } = arriving();
    const reader = body[Symbol.asyncIterator]();
    lend(body, utf8("a"));
    await reader.next();
    await body.discard();
    expect(source.calls).toEqual(["cancel"]);
  });
});

test("bytes that came before a failure are delivered before it", async () => {
  const { body } = arriving();
  const error = new Error("reset");
  lend(body, utf8("abc"));
  lend(body, utf8("def"));
  body.fail(error);
  const reader = body[Symbol.asyncIterator]();
  expect((await reader.next()).value).toEqual(utf8("abc"));
  expect((await reader.next()).value).toEqual(utf8("def"));
  await expect(reader.next()).rejects.toBe(error);
  expect(await reader.next()).toEqual({ value: undefined, done: true });
});

describe("a reader that takes everything and may be full", () => {
  test("stops the source and its time limit while it is full, and lets both go on when it says so", () => {
    const { body, source, owner } = arriving();
    const reader = { full: false, onPiece() {}, onEnd() {}, onFail() {} };
    const flow = body.readWith((one) => {
      one.divert(reader);
      return one;
    });
    expect(lend(body, noise(100_000))).toBe(true);
    reader.full = true;
    expect(lend(body, noise(1))).toBe(false);
    expect(owner.events.at(-1)).toBe("not waiting");
    flow.readOn();
    expect(source.calls).toEqual([]);
    reader.full = false;
    flow.readOn();
    expect(source.calls).toEqual(["resume"]);
    expect(owner.events.at(-1)).toBe("waiting");
  });

  test("what it throws ends the body, even at the last piece of one that is all there", () => {
    const { body } = arriving();
    body.push(utf8("ab"), false);
    body.push(utf8("c"), false);
    body.finish([]);
    const told: string[] = [];
    body.readWith((flow) =>
      flow.divert({
        onPiece(piece) {
          told.push(textOf(piece));
          if (piece.byteLength === 1) throw new Error("Enough");
        },
        onEnd: () => told.push("end"),
        onFail: ({ message }) => told.push(message),
      }),
    );
    expect(told).toEqual(["ab", "c", "Enough"]);
  });
});
