/** The body of an upload between the connection and the disk: copied once, into memory that is used again, and held up by a slow disk. */
import { describe, expect, test } from "vitest";
import { Body } from "../../../src/body/body.js";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { ConnectionLostError } from "../../../src/errors.js";
import { ArrivingBatches } from "../../../src/server/uploads/arriving-batches.js";
import { lend, SourceSpy, textOf, utf8 } from "../../body/support.js";

const BATCH = 8;

/** A body that is being collected. */
function collecting(onArrival: (byteLength: number) => void = () => undefined) {
  const source = new SourceSpy();
  const body = new Body(source);
  const clock = new ManualClock();
  const taker = new AbortController();
  const begin = (): ArrivingBatches =>
    new ArrivingBatches(body, { batchBytes: BATCH, clock, signal: taker.signal, onArrival });
  return { source, body, clock, taker, begin };
}

/** The texts of all batches, and then how it ended. */
async function all(batches: ArrivingBatches): Promise<string[]> {
  const told: string[] = [];
  try {
    for await (const batch of batches) told.push(textOf(batch));
    told.push("end");
  } catch (error) {
    told.push(error instanceof Error ? error.message : String(error));
  }
  return told;
}

describe("batches of a body", () => {
  test("are of one size whatever the pieces are, the last one of what is left", async () => {
    const { body, begin } = collecting();
    lend(body, utf8("012"));
    const batches = begin();
    for (const piece of ["", "3", "456789abcdefghijklmnop", "qr"]) lend(body, utf8(piece));
    body.finish([]);
    expect(await all(batches)).toEqual(["01234567", "89abcdef", "ghijklmn", "opqr", "end"]);
  });

  test("hold nothing of the memory that a piece was lent in", async () => {
    const { body, begin } = collecting();
    const batches = begin();
    lend(body, utf8("01234567"));
    const { value } = await batches.next();
    expect(textOf(value ?? utf8(""))).toBe("01234567");
  });

  test("go through three buffers, however much comes and however slow the disk is", async () => {
    const { body, begin } = collecting();
    const batches = begin();
    const buffers = new Set<ArrayBufferLike>();
    let round = 0;
    for (lend(body, utf8("01234567")); round < 100; round += 1) {
      const { value } = await batches.next();
      buffers.add((value ?? utf8("")).buffer);
      // The write takes as long as the next buffer needs, and what is on its way still comes.
      lend(body, utf8("abcde"));
      lend(body, utf8("fgh"));
      expect(lend(body, utf8("ij"))).toBe(false);
      const [next, more] = [await batches.next(), lend(body, utf8("klmnop"))];
      buffers.add((next.value ?? utf8("")).buffer);
      expect([textOf(next.value ?? utf8("")), more]).toEqual(["abcdefgh", false]);
    }
    expect(buffers.size).toBeLessThanOrEqual(3);
  });

  test("stop the wire while one is ready that nobody has taken, and let it go on afterwards", async () => {
    const { source, body, begin } = collecting();
    const batches = begin();
    expect(lend(body, utf8("0123456"))).toBe(true);
    expect(lend(body, utf8("7"))).toBe(false);
    expect(source.calls).toEqual([]);
    await batches.next();
    expect(source.calls).toEqual(["resume"]);
    expect(lend(body, utf8("89"))).toBe(true);
  });

  test("of a slow client are given out before they are full, two seconds after they were begun", async () => {
    const { body, clock, begin } = collecting();
    const batches = begin();
    lend(body, utf8("0"));
    clock.advance(1_999);
    lend(body, utf8("1"));
    const first = batches.next();
    clock.advance(1);
    lend(body, utf8("2"));
    expect(textOf((await first).value ?? utf8(""))).toBe("012");
    lend(body, utf8("34"));
    body.finish([]);
    expect(await all(batches)).toEqual(["34", "end"]);
  });
});

describe("the end of a body", () => {
  test("that breaks off comes after what it has brought, as the client's fault", async () => {
    const { body, begin } = collecting();
    const batches = begin();
    lend(body, utf8("0123456789"));
    body.fail(new ConnectionLostError("connection/lost", "Gone"));
    const told = await all(batches);
    expect(told).toEqual(["01234567", "89", "The body did not arrive completely"]);
    await expect(batches.next()).rejects.toMatchObject({ status: 400 });
  });

  test("that somebody else brings about comes after what has arrived, and nothing more is taken", async () => {
    const { source, body, taker, begin } = collecting();
    const batches = begin();
    lend(body, utf8("0123456789"));
    taker.abort("taken");
    expect(source.calls).toEqual(["cancel"]);
    lend(body, utf8("late"));
    expect(await all(batches)).toEqual(["01234567", "89", "taken"]);
  });

  test("is at once when somebody else wanted the upload before it began", async () => {
    const { body, taker, begin } = collecting();
    taker.abort("taken");
    lend(body, utf8("01"));
    expect(await all(begin())).toEqual(["01", "taken"]);
  });

  test.each(["before", "after"])(
    "that a listener brings about comes after what came, pieces %s the reading alike",
    async (when) => {
      let room = 4;
      const { source, body, begin } = collecting((byteLength) => {
        room -= byteLength;
        if (room < 0) throw new Error("Too long");
      });
      const batches = when === "after" ? begin() : undefined;
      for (const piece of ["01", "23", "4"]) lend(body, utf8(piece));
      if (when === "before") body.finish([]);
      expect(await all(batches ?? begin())).toEqual(["0123", "Too long"]);
      expect(source.calls).toEqual(when === "after" ? ["cancel"] : []);
    },
  );

  test("is the reader's leaving, too: the body is given up", async () => {
    const { source, body, begin } = collecting();
    const batches = begin();
    lend(body, utf8("0123456789"));
    for await (const batch of batches) {
      expect(textOf(batch)).toBe("01234567");
      break;
    }
    expect(source.calls.at(-1)).toBe("cancel");
    expect(await all(batches)).toEqual(["end"]);
  });
});
