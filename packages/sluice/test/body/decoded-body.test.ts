import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { codingsOf, decoderFor } from "../../src/body/content-coding.js";
import { decodedBody } from "../../src/body/decoded-body.js";
import { ConnectionLostError } from "../../src/errors.js";
import { SourceSpy } from "./support.js";

const PLAIN = Buffer.from(Array.from({ length: 3_000 }, (_, index) => `line ${index * index}\n`).join(""));
const CODED = gzipSync(PLAIN);
const decoder = () => decoderFor(codingsOf("gzip"));

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("decodedBody", () => {
  test("is there at once where the coded body is", () => {
    const whole = decodedBody(Body.of(CODED), decoder(), CODED.length).takeWhole();
    expect(Buffer.from(whole ?? [])).toEqual(PLAIN);
  });

  test("of a body that came before it was asked for, in part or not at all, is the same", async () => {
    for (const before of [0, 1, 10, CODED.length - 1, CODED.length]) {
      const coded = new Body(new SourceSpy());
      if (before > 0) coded.push(CODED.subarray(0, before), true);
      const content = decodedBody(coded, decoder(), CODED.length);
      const read = content.bytes();
      await turn();
      if (before < CODED.length) coded.push(CODED.subarray(before), true);
      coded.finish(["X-Sum", "1"]);
      expect(Buffer.from(await read)).toEqual(PLAIN);
      expect(content.trailers).toEqual(["X-Sum", "1"]);
    }
  });

  test("takes so many coded bytes, and not one more", async () => {
    expect((await decodedBody(Body.of(CODED), decoder(), CODED.length).bytes()).length).toBe(PLAIN.length);
    const source = new SourceSpy();
    const coded = new Body(source);
    const content = decodedBody(coded, decoder(), CODED.length - 1);
    coded.push(CODED, true);
    await expect(content.bytes()).rejects.toMatchObject({ code: "body/too-large" });
    expect(source.calls).toContain("cancel");
  });

  test("holds back its source while nobody reads", async () => {
    const source = new SourceSpy();
    const coded = new Body(source, { highWaterMark: 1_000 });
    const content = decodedBody(coded, decoder(), Number.POSITIVE_INFINITY);
    const noise = Buffer.alloc(40_000, 1);
    let pushed = 0;
    while (coded.push(noise, true) && pushed < 100) pushed += 1;
    expect(pushed).toBeLessThan(5);
    content.cancel();
    expect(source.calls).toContain("cancel");
  });

  test("fails with what its source fails with, after what came before", async () => {
    const coded = new Body(new SourceSpy());
    const content = decodedBody(coded, decoder(), Number.POSITIVE_INFINITY);
    const lost = new ConnectionLostError("server/client-gone", "gone");
    coded.push(CODED.subarray(0, CODED.length - 20), true);
    coded.fail(lost);
    let length = 0;
    const read = async () => {
      for await (const piece of content) length += piece.length;
    };
    await expect(read()).rejects.toBe(lost);
    expect(length).toBeGreaterThan(0);
  });

  test("uses the coded body up", () => {
    const coded = Body.of(CODED);
    decodedBody(coded, decoder(), CODED.length);
    expect(() => coded.reader()).toThrow(expect.objectContaining({ code: "body/already-used" }));
  });
});
