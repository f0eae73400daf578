/** Every rule of the Transport contract, as tests that any implementation must pass. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Transport } from "../../src/net/transport.js";
import { Recorder, record, turns } from "./recorder.js";

/** Two connected transports; the suite looks at `subject`, `other` is whatever is at its far end. */
export interface ContractPair {
  readonly subject: Transport;
  readonly other: Transport;
  close(): Promise<void>;
}

const MEBIBYTE = Buffer.alloc(1 << 20, "m");
/** More than any system buffers for one loopback connection. */
const MORE_THAN_BUFFERS = 64;

/** Declares the suite for one implementation. */
export function transportContract(name: string, connect: () => Promise<ContractPair>): void {
  describe(`${name}: transport contract`, () => {
    let pair: ContractPair;
    let subject: Transport;
    let other: Transport;

    beforeEach(async () => {
      pair = await connect();
      ({ subject, other } = pair);
    });
    afterEach(() => pair.close());

    dataRules();
    flowRules();
    endRules();
    handoverRules();

    function dataRules(): void {
      test("bytes and strings arrive in order, both ways", async () => {
        const here = record(subject);
        const there = record(other);
        subject.write("GET / ");
        subject.write(Buffer.from("HTTP/1.1"));
        other.write("HTTP/1.1 ", "latin1");
        other.write(new TextEncoder().encode("200"));
        await there.until(() => there.text === "GET / HTTP/1.1");
        await here.until(() => here.text === "HTTP/1.1 200");
      });

      test("a string is latin1 unless utf8 is asked for", async () => {
        const there = record(other);
        record(subject);
        subject.write("\u00e9");
        subject.write("\u00e9", "utf8");
        await there.until(() => there.byteCount === 3);
        expect(Buffer.from(there.text, "latin1")).toEqual(Buffer.from([0xe9, 0xc3, 0xa9]));
      });

      test("an empty write sends nothing and has room", () => {
        record(subject);
        expect(subject.write("")).toBe(true);
        expect(subject.write(new Uint8Array(0))).toBe(true);
      });

      test("corked writes leave together when they are uncorked", async () => {
        const here = record(subject);
        const there = record(other);
        const pieces: string[] = [];
        there.onPiece = (piece) => pieces.push(Buffer.from(piece).toString("latin1"));
        subject.cork();
        subject.write("head ");
        subject.write(Buffer.from("body"));
        await turns(10);
        expect(pieces).toEqual([]);
        here.guarded(() => subject.uncork());
        await there.until(() => there.byteCount === 9);
        expect(there.text).toBe("head body");
      });

      test("bytes are not lent unless `lends` says so", async () => {
        const here = record(subject);
        record(other);
        const kept: Uint8Array[] = [];
        here.onPiece = (piece) => kept.push(piece);
        other.write("first");
        await here.until(() => here.byteCount === 5);
        other.write("other");
        await here.until(() => here.byteCount === 10);
        expect(here.text).toBe("firstother");
        if (!subject.lends) expect(Buffer.concat(kept).toString()).toBe("firstother");
        else expect(Buffer.from(kept[0] ?? []).toString()).not.toBe("first");
      });

      test("nothing is delivered before a handler is attached, and nothing is lost", async () => {
        record(other);
        other.write("early");
        await turns();
        const here = record(subject);
        expect(here.events).toEqual([]);
        await here.until(() => here.text === "early");
      });

      test("no call to the handler nests inside a call to the transport", async () => {
        const here = record(subject);
        const there = record(other);
        there.onPiece = (piece) => other.write(Buffer.from(piece));
        here.onPiece = () => {
          here.guarded(() => {
            subject.pause();
            subject.write("more");
            subject.resume();
          });
        };
        here.guarded(() => subject.write("start"));
        await here.until(() => here.byteCount > 200);
        here.guarded(() => {
          subject.pause();
          subject.resume();
          subject.end();
          subject.destroy();
        });
        await here.until(() => here.closed);
        expect(here.nested).toBe(0);
      });
    }

    function flowRules(): void {
      test("write says no when the peer does not read, and onDrain comes when it does", async () => {
        const here = record(subject);
        const there = record(other);
        other.pause();
        let written = 0;
        let drains = -1;
        // TLS takes a moment to encrypt what the system has room for: what counts is that there is an end to it.
        while (written < MORE_THAN_BUFFERS && drains < countOf(here.events, "drain")) {
          drains = countOf(here.events, "drain");
          written += 1;
          if (here.guarded(() => subject.write(MEBIBYTE))) drains -= 1;
          else await turns(100);
        }
        expect(written).toBeLessThan(MORE_THAN_BUFFERS);
        expect(subject.bufferedBytes).toBeGreaterThan(0);
        other.resume();
        await here.until(() => countOf(here.events, "drain") > drains);
        await there.until(() => there.byteCount === written * MEBIBYTE.length);
        expect(subject.bufferedBytes).toBe(0);
        expect(new Set(here.events)).toEqual(new Set(["drain"]));
      });

      test("a paused receiver is given nothing until it resumes, not even after an answer it has asked for", async () => {
        const here = record(subject);
        record(other);
        other.write("one");
        await here.until(() => here.text === "one");
        subject.pause();
        other.write("two");
        await turns();
        expect(here.text).toBe("one");
        here.guarded(() => subject.resume());
        expect(here.text).toBe("one");
        await here.until(() => here.text === "onetwo");
      });

      test("a pause inside onData holds what comes after it, however much there is", async () => {
        const here = record(subject);
        const there = record(other);
        let calls = 0;
        here.onPiece = () => {
          calls += 1;
          here.guarded(() => subject.pause());
        };
        let sent = 0;
        for (; sent < 4; sent += 1) other.write(MEBIBYTE);
        await here.until(() => calls === 1);
        await turns();
        expect(calls).toBe(1);
        while (here.byteCount < sent * MEBIBYTE.length) {
          const before = calls;
          here.guarded(() => subject.resume());
          await here.until(() => calls > before);
          expect(calls).toBe(before + 1);
        }
        expect(here.byteCount).toBe(sent * MEBIBYTE.length);
        expect(there.closed).toBe(false);
      });

      test("pause before attach holds the first bytes", async () => {
        record(other);
        subject.pause();
        other.write("early");
        await turns();
        const here = record(subject);
        await turns();
        expect(here.text).toBe("");
        subject.resume();
        await here.until(() => here.text === "early");
      });
    }

    function endRules(): void {
      test("end sends FIN after what was written; the other direction goes on", async () => {
        const here = record(subject);
        const there = record(other);
        subject.write("request");
        subject.end();
        await there.until(() => there.ended);
        expect(there.text).toBe("request");
        other.write("answer");
        await here.until(() => here.text === "answer");
        expect(here.closed).toBe(false);
        other.end();
        await here.until(() => here.closed);
        await there.until(() => there.closed);
        expect(here.events).toEqual(["data", "end", "close"]);
        expect(there.events).toEqual(["data", "end", "close"]);
        expect([here.closeError, there.closeError]).toEqual([undefined, undefined]);
        expect([subject.destroyed, other.destroyed]).toEqual([true, true]);
      });

      test("a peer's FIN leaves us writing", async () => {
        const here = record(subject);
        const there = record(other);
        other.end();
        await here.until(() => here.ended);
        expect(subject.destroyed).toBe(false);
        subject.write("still there");
        await there.until(() => there.text === "still there");
        subject.end();
        await here.until(() => here.closed);
      });

      test("everything written before end arrives, however slowly it is read", async () => {
        record(subject);
        const there = record(other);
        other.pause();
        for (let round = 0; round < 8; round += 1) subject.write(MEBIBYTE);
        subject.end();
        subject.end();
        await turns();
        expect(there.ended).toBe(false);
        other.resume();
        await there.until(() => there.ended);
        expect(there.byteCount).toBe(8 * MEBIBYTE.length);
      });

      test("destroy closes at once, tells once, and gives the error", async () => {
        const here = record(subject);
        const there = record(other);
        const reason = new Error("enough");
        here.guarded(() => subject.destroy(reason));
        expect(subject.destroyed).toBe(true);
        subject.destroy(new Error("a later one"));
        await here.until(() => here.closed);
        expect(here.closeError).toBe(reason);
        await there.until(() => there.ended || there.closed);
        other.destroy();
        await there.until(() => there.closed);
        await turns();
        expect([here.closeCount, there.closeCount]).toEqual([1, 1]);
        expect(here.events.at(-1)).toBe("close");
      });

      test("destroy without an error is by consent", async () => {
        const here = record(subject);
        record(other);
        subject.destroy();
        await here.until(() => here.closed);
        expect(here.closeError).toBeUndefined();
      });

      test("destroy inside onData ends the deliveries", async () => {
        const here = record(subject);
        record(other);
        let calls = 0;
        here.onPiece = () => {
          calls += 1;
          here.guarded(() => subject.destroy());
        };
        for (let round = 0; round < 4; round += 1) other.write(MEBIBYTE);
        await here.until(() => here.closed);
        await turns();
        expect(calls).toBe(1);
        expect(here.events).toEqual(["data", "close"]);
      });

      test("a peer that is gone ends our writing with an error, told once", async () => {
        const here = record(subject);
        record(other);
        other.destroy();
        await here.until(() => here.ended || here.closed);
        while (!here.closed) {
          subject.write("into the void");
          await turns(2);
        }
        expect(here.closeCount).toBe(1);
        expect(here.closeError).toHaveProperty("code", expect.stringMatching(/^(EPIPE|ECONNRESET)$/));
      });

      test("after destroy, calls do nothing", async () => {
        const here = record(subject);
        subject.destroy();
        expect(subject.write("nothing")).toBe(false);
        subject.end();
        subject.pause();
        subject.resume();
        subject.cork();
        subject.uncork();
        subject.ref();
        subject.unref();
        await here.until(() => here.closed);
        expect(subject.write("nothing")).toBe(false);
        expect(subject.bufferedBytes).toBe(0);
        expect(here.events).toEqual(["close"]);
      });

      test("writing after end is refused", () => {
        record(subject);
        subject.end();
        expect(() => subject.write("late")).toThrow(expect.objectContaining({ code: "transport/write-after-end" }));
      });
    }

    function handoverRules(): void {
      test("attach hands the connection over in the middle of its bytes", async () => {
        const first = record(subject);
        record(other);
        const second = new Recorder(subject);
        first.onPiece = () => first.guarded(() => subject.attach(second));
        other.write("upgrade");
        await first.until(() => first.text !== "");
        other.write("frames");
        await second.until(() => second.text === "frames");
        expect(first.text).toBe("upgrade");
        other.end();
        await second.until(() => second.ended);
        subject.destroy();
        await second.until(() => second.closed);
        expect(first.events).toEqual(["data"]);
      });

      test("a handler that comes after the peer's FIN is told of it", async () => {
        const first = record(subject);
        record(other);
        other.end();
        await first.until(() => first.ended);
        const second = record(subject);
        expect(second.events).toEqual([]);
        await second.until(() => second.ended);
        expect(second.events).toEqual(["end"]);
      });

      test("a handler that comes after the close is told of it", async () => {
        const reason = new Error("gone");
        const first = record(subject);
        subject.destroy(reason);
        await first.until(() => first.closed);
        const second = record(subject);
        expect(second.events).toEqual([]);
        await second.until(() => second.closed);
        expect(second.closeError).toBe(reason);
        expect([first.closeCount, second.closeCount]).toEqual([1, 1]);
      });

      test("a connection that ends before the first handler comes tells it all", async () => {
        record(other);
        other.write("last words");
        other.end();
        await turns();
        const here = record(subject);
        await here.until(() => here.ended);
        expect(here.text).toBe("last words");
        expect(here.events).toEqual(["data", "end"]);
      });

      test("peer() says the same after the end as before", async () => {
        const here = record(subject);
        const before = subject.peer();
        subject.destroy();
        await here.until(() => here.closed);
        expect(subject.peer()).toEqual(before);
      });
    }
  });
}

function countOf(events: readonly string[], name: string): number {
  return events.filter((event) => event === name).length;
}
