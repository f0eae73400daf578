import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import type { BodyTap } from "../../src/body/body-tap.js";
import { decoderFor } from "../../src/body/content-coding.js";

const SOURCE = { pause() {}, resume() {}, cancel() {} };

class Watcher implements BodyTap {
  seen = "";
  outcome = "";
  onPiece(piece: Uint8Array): void {
    this.seen += Buffer.from(piece).toString();
  }
  onEnd(): void {
    this.outcome += "end";
  }
  onLost(): void {
    this.outcome += "lost";
  }
}

function tapped(body = new Body(SOURCE)): { body: Body; tap: Watcher } {
  const tap = new Watcher();
  body.tapBy(tap);
  return { body, tap };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe("a tap", () => {
  test("sees what was kept before it came, what comes, and the end, once; the reader notices nothing", async () => {
    const body = new Body(SOURCE);
    body.push(bytes("a"), true);
    body.push(bytes("b"), true);
    const { tap } = tapped(body);
    const text = body.text();
    body.push(bytes("c"), true);
    expect(tap.seen).toBe("abc");
    body.finish([]);
    expect([tap.outcome, await text]).toEqual(["end", "abc"]);
  });

  test("of a body that is complete it sees all at once", async () => {
    const { body, tap } = tapped(Body.of(bytes("whole")));
    expect([tap.seen, tap.outcome, await body.text()]).toEqual(["whole", "end", "whole"]);
    expect(tapped(Body.empty()).tap.outcome).toBe("end");
  });

  test("is lost when the body fails, is cancelled, or was used before", async () => {
    const failed = tapped();
    failed.body.push(bytes("a"), true);
    failed.body.fail(new Error("broken"));
    expect(failed.tap.outcome).toBe("lost");
    const cancelled = tapped();
    cancelled.body.cancel();
    cancelled.body.push(bytes("a"), true);
    expect([cancelled.tap.outcome, cancelled.tap.seen]).toEqual(["lost", ""]);
    const used = Body.of(bytes("x"));
    await used.text();
    expect(tapped(used).tap.outcome).toBe("lost");
    const broken = new Body(SOURCE);
    broken.fail(new Error("broken"));
    expect(tapped(broken).tap.outcome).toBe("lost");
  });

  test("one only: a second one sees nothing, and the first goes on", () => {
    const { body, tap } = tapped();
    const second = tapped(body).tap;
    body.push(bytes("a"), true);
    expect([second.outcome, second.seen, tap.seen]).toEqual(["lost", "", "a"]);
  });

  test("cancelling what has come whole takes nothing back", () => {
    const { body, tap } = tapped(Body.of(bytes("whole")));
    body.cancel();
    expect(tap.outcome).toBe("end");
  });

  test("sees a discarded body to its end, if that comes", async () => {
    const { body, tap } = tapped();
    const discarded = body.discard();
    body.push(bytes("a"), true);
    body.finish([]);
    await discarded;
    expect([tap.seen, tap.outcome]).toEqual(["a", "end"]);
  });

  test("sees decoded content; where it is discarded undecoded, it is lost", async () => {
    for (const discard of [false, true]) {
      const body = new Body(SOURCE);
      body.decodeWith(decoderFor(["gzip"], { maxOutputBytes: 1_000 }));
      const { tap } = tapped(body);
      const read = discard ? body.discard() : body.text();
      body.push(gzipSync("content"), false);
      body.finish([]);
      expect(await read).toBe(discard ? undefined : "content");
      expect([tap.seen, tap.outcome]).toEqual(discard ? ["", "lost"] : ["content", "end"]);
    }
  });
});
