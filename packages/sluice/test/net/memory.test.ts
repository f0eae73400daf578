import { describe, expect, test } from "vitest";
import { memoryPair } from "../../src/net/memory.js";
import { record, turns } from "./recorder.js";

describe("memory pair", () => {
  test("lent bytes are overwritten when the receiver has returned, and the sender's own are not", async () => {
    const [first, second] = memoryPair({ lends: true });
    record(first);
    const there = record(second);
    const kept: Uint8Array[] = [];
    there.onPiece = (piece) => kept.push(piece);
    const sent = Buffer.from("borrowed");
    first.write(sent);
    await there.until(() => there.text === "borrowed");
    expect(kept[0]).toEqual(Buffer.alloc(8, 0xdd));
    expect(sent.toString()).toBe("borrowed");
  });

  test("bytes are taken when they are written, and the receiver's for good without lending", async () => {
    const [first, second] = memoryPair();
    record(first);
    const there = record(second);
    const kept: Uint8Array[] = [];
    there.onPiece = (piece) => kept.push(piece);
    const sent = Buffer.from("handed over");
    first.write(sent);
    sent.fill(0);
    await there.until(() => there.text === "handed over");
    await turns(2);
    expect(Buffer.concat(kept).toString()).toBe("handed over");
  });

  test("pieces are as large as is asked for, down to one byte", async () => {
    const [first, second] = memoryPair({ maxPieceSize: 1 });
    record(first);
    const there = record(second);
    const lengths: number[] = [];
    there.onPiece = (piece) => lengths.push(piece.length);
    first.write("abc");
    await there.until(() => there.text === "abc");
    expect(lengths).toEqual([1, 1, 1]);
  });

  test("the high-water mark says when write returns false, and drain comes when all was taken", async () => {
    const [first, second] = memoryPair({ highWaterMark: 10 });
    const here = record(first);
    const there = record(second);
    second.pause();
    expect(first.write("123456789")).toBe(true);
    expect(first.write("0")).toBe(false);
    expect(first.bufferedBytes).toBe(10);
    expect(first.write("1")).toBe(false);
    second.resume();
    await here.until(() => here.events.includes("drain"));
    expect(there.text).toBe("12345678901");
    expect(first.write("again")).toBe(true);
  });

  test("corked bytes count as buffered, and leave as one piece", async () => {
    const [first, second] = memoryPair();
    record(first);
    const there = record(second);
    const pieces: number[] = [];
    there.onPiece = (piece) => pieces.push(piece.length);
    first.cork();
    first.cork();
    first.write("head");
    first.write("body");
    expect(first.bufferedBytes).toBe(8);
    first.uncork();
    await turns(2);
    expect(pieces).toEqual([]);
    first.uncork();
    first.uncork();
    await there.until(() => there.text === "headbody");
    expect(pieces).toEqual([8]);
    first.cork();
    first.write("last");
    first.end();
    await there.until(() => there.ended);
    expect(there.text).toBe("headbodylast");
  });

  test("destroying with unread bytes resets the peer; otherwise the peer reads all, and the end", async () => {
    const [first, second] = memoryPair();
    record(first);
    const there = record(second);
    first.pause();
    second.write("unread");
    first.write("lost");
    first.destroy();
    await there.until(() => there.closed);
    expect(there.closeError).toMatchObject({ code: "ECONNRESET" });
    expect(there.events).toEqual(["close"]);

    const [third, fourth] = memoryPair();
    record(third);
    const reader = record(fourth);
    third.write("last words");
    third.destroy();
    await reader.until(() => reader.ended);
    expect(reader.text).toBe("last words");
    expect(reader.closed).toBe(false);
    fourth.end();
    await reader.until(() => reader.closed);
    expect(reader.closeError).toBeUndefined();
  });

  test("destroying with an error resets the peer, as a socket does", async () => {
    const [first, second] = memoryPair();
    record(first);
    const there = record(second);
    first.destroy(new Error("enough"));
    await there.until(() => there.closed);
    expect(there.closeError).toMatchObject({ code: "ECONNRESET" });
    expect(there.ended).toBe(false);
  });

  test("reset breaks the connection behind what was written", async () => {
    const [first, second] = memoryPair({ maxPieceSize: 2 });
    const here = record(first);
    const there = record(second);
    first.cork();
    first.write("last words");
    const error = new Error("cable");
    first.reset(error);
    first.reset();
    await there.until(() => there.closed);
    expect(there.text).toBe("last words");
    expect(there.closeError).toBe(error);
    expect(there.ended).toBe(false);
    await here.until(() => here.closed);
    expect(here.closeError).toBeUndefined();
    expect(first.write("more")).toBe(false);

    const [third, fourth] = memoryPair();
    record(third);
    const paused = record(fourth);
    fourth.pause();
    third.write("held");
    third.reset();
    await turns(2);
    expect(paused.events).toEqual([]);
    fourth.resume();
    await paused.until(() => paused.closed);
    expect([paused.text, (paused.closeError as NodeJS.ErrnoException).code]).toEqual(["held", "ECONNRESET"]);
  });

  test("deliveries run as the given schedule lets them", () => {
    const jobs: (() => void)[] = [];
    const [first, second] = memoryPair({ schedule: (job) => jobs.push(job) });
    record(first);
    const there = record(second);
    first.write("later");
    expect(there.text).toBe("");
    while (jobs.length > 0) jobs.shift()?.();
    expect(there.text).toBe("later");
  });

  test("says of its peers what it was told to", () => {
    const about = (remoteAddress: string) => ({
      remoteAddress,
      remotePort: 1,
      localAddress: undefined,
      localPort: undefined,
      tls: undefined,
    });
    const [first, second] = memoryPair({ peers: [about("192.0.2.1"), about("192.0.2.2")] });
    expect([first.peer().remoteAddress, second.peer().remoteAddress]).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(memoryPair()[0].peer().remoteAddress).toBeUndefined();
  });

  test.each([[{ highWaterMark: 0 }], [{ maxPieceSize: 0 }], [{ highWaterMark: Number.NaN }]])(
    "%o is refused",
    (options) => {
      expect(() => memoryPair(options)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
    },
  );
});
