import { describe, expect, test } from "vitest";
import { ScriptedTransport } from "../../src/net/scripted.js";
import { Recorder, record, turns } from "./recorder.js";

describe("scripted transport", () => {
  test("plays its script in order, one step at a time, after a handler is attached", async () => {
    const failure = new Error("reset");
    const transport = new ScriptedTransport({ script: ["one", Buffer.from("two"), { end: true }, { error: failure }] });
    await turns(2);
    const recorder = new Recorder(transport);
    const pieces: string[] = [];
    recorder.onPiece = (piece) => pieces.push(Buffer.from(piece).toString());
    transport.attach(recorder);
    expect(recorder.events).toEqual([]);
    await recorder.until(() => recorder.closed);
    expect(pieces).toEqual(["one", "two"]);
    expect(recorder.events).toEqual(["data", "end", "close"]);
    expect(recorder.closeError).toBe(failure);
    expect(transport.failure).toBe(failure);
    expect(transport.destroyed).toBe(true);
  });

  test("flush plays at once what there is; inside a call to the handler it is refused", () => {
    const transport = new ScriptedTransport();
    const recorder = record(transport);
    transport.feed("a", "b");
    transport.flush();
    expect(recorder.text).toBe("ab");
    let refused: unknown;
    recorder.onPiece = () => {
      try {
        transport.flush();
      } catch (error) {
        refused = error;
      }
    };
    transport.feed("c");
    transport.flush();
    expect(refused).toMatchObject({ code: "transport/nested" });
  });

  test("a string is latin1, one character a byte", () => {
    const transport = new ScriptedTransport({ script: ["\u00ff"] });
    const recorder = record(transport);
    transport.flush();
    expect(recorder.byteCount).toBe(1);
    expect(recorder.text).toBe("\u00ff");
  });

  test("records each write as it leaves: corked ones together, latin1 and utf8 as bytes", () => {
    const transport = new ScriptedTransport();
    record(transport);
    transport.write("GET / \u00e9", "latin1");
    transport.cork();
    transport.write("a");
    transport.write("\u00e9", "utf8");
    expect(transport.writes).toHaveLength(1);
    transport.uncork();
    transport.write("");
    expect(transport.writes.map((piece) => piece.length)).toEqual([7, 3]);
    expect(transport.takeWritten()).toBe("GET / \u00e9a\u00c3\u00a9");
    expect(transport.written).toBe("");
    const bytes = Buffer.from("mine");
    transport.write(bytes);
    bytes.fill(0);
    expect(transport.written).toBe("mine");
    transport.cork();
    transport.write("!");
    transport.end();
    expect(transport.written).toBe("mine!");
    expect(transport.ended).toBe(true);
    expect(() => transport.write("more")).toThrow(expect.objectContaining({ code: "transport/write-after-end" }));
  });

  test("holds bytes while paused, but not the end of a script that has none left", () => {
    const transport = new ScriptedTransport({ script: ["held", { end: true }] });
    const recorder = record(transport);
    transport.pause();
    transport.flush();
    expect([recorder.events, transport.paused]).toEqual([[], true]);
    transport.resume();
    transport.flush();
    expect(recorder.events).toEqual(["data", "end"]);
    const atItsEnd = new ScriptedTransport({ script: [{ end: true }] });
    const told = record(atItsEnd);
    atItsEnd.pause();
    atItsEnd.flush();
    expect(told.events).toEqual(["end"]);
  });

  test("a pause inside onData takes effect before the next step", () => {
    const transport = new ScriptedTransport({ script: ["1", "2"] });
    const recorder = record(transport);
    recorder.onPiece = () => transport.pause();
    transport.flush();
    expect(recorder.text).toBe("1");
    transport.resume();
    transport.flush();
    expect(recorder.text).toBe("12");
  });

  test("lent pieces are overwritten after the call; the script's own bytes are not", () => {
    const step = Buffer.from("lent");
    const transport = new ScriptedTransport({ script: [step], lends: true });
    const recorder = record(transport);
    const kept: Uint8Array[] = [];
    recorder.onPiece = (piece) => kept.push(piece);
    transport.flush();
    expect(recorder.text).toBe("lent");
    expect(kept[0]).toEqual(Buffer.alloc(4, 0xdd));
    expect(step.toString()).toBe("lent");
  });

  test("above the high-water mark write returns false until the test lets it drain", async () => {
    const transport = new ScriptedTransport({ highWaterMark: 4 });
    const recorder = record(transport);
    expect(transport.write("123")).toBe(true);
    expect(transport.write("4")).toBe(false);
    expect(transport.bufferedBytes).toBe(4);
    await turns(2);
    expect(recorder.events).toEqual([]);
    transport.drain();
    await recorder.until(() => recorder.events.includes("drain"));
    expect(transport.write("123")).toBe(true);
    expect(() => new ScriptedTransport({ highWaterMark: 0 })).toThrow(
      expect.objectContaining({ code: "options/out-of-range" }),
    );
  });

  test("closes by itself when both sides have ended", async () => {
    const transport = new ScriptedTransport({ script: ["bye", { end: true }] });
    const recorder = record(transport);
    await recorder.until(() => recorder.ended);
    await turns(2);
    expect(recorder.closed).toBe(false);
    transport.end();
    await recorder.until(() => recorder.closed);
    expect(recorder.closeError).toBeUndefined();
    await turns(2);
    expect(recorder.closeCount).toBe(1);
  });

  test("destroy drops the rest of the script and gives its error, in a later turn", async () => {
    const transport = new ScriptedTransport({ script: ["never"] });
    const recorder = record(transport);
    const reason = new Error("enough");
    transport.destroy(reason);
    transport.destroy(new Error("later"));
    expect(recorder.events).toEqual([]);
    expect(transport.write("x")).toBe(false);
    await recorder.until(() => recorder.closed);
    expect(recorder.events).toEqual(["close"]);
    expect(recorder.closeError).toBe(reason);
    expect(transport.writes).toEqual([]);
  });

  test("a later handler takes over, and is told of an end or a close that it missed", async () => {
    const transport = new ScriptedTransport({ script: ["a", { end: true }] });
    const first = record(transport);
    await first.until(() => first.ended);
    const second = record(transport);
    await second.until(() => second.ended);
    transport.destroy();
    await second.until(() => second.closed);
    const third = record(transport);
    await third.until(() => third.closed);
    expect([first.events, second.events, third.events]).toEqual([["data", "end"], ["end", "close"], ["close"]]);
  });

  test("remembers whether it keeps the process alive, and who its peer is", () => {
    const peer = {
      remoteAddress: "192.0.2.1",
      remotePort: 443,
      localAddress: undefined,
      localPort: undefined,
      tls: undefined,
    };
    const transport = new ScriptedTransport({ peer });
    expect([transport.referenced, transport.peer()]).toEqual([true, peer]);
    transport.unref();
    expect(transport.referenced).toBe(false);
    transport.ref();
    expect(transport.referenced).toBe(true);
    expect(new ScriptedTransport().peer().remoteAddress).toBeUndefined();
  });
});
