import { describe, expect, test } from "vitest";
import { MersenneTwister } from "../src/mersenne-twister.js";
import { field, json } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const MAX_BYTES = 1_000_000;
const httpbin = useHttpbin({ maxBytes: MAX_BYTES });

describe("random bytes", () => {
  test("a seed gives the bytes that Python's random gives", () => {
    const drawn = (seed: number): string => {
      const bytes = new Uint8Array(8);
      new MersenneTwister(seed).fill(bytes);
      return Buffer.from(bytes).toString("hex");
    };
    // python3 -c 'import random; random.seed(SEED); print(bytes(random.randint(0, 255) for _ in range(8)).hex())'
    expect(drawn(0)).toBe("c5d71484f8cf9bf4");
    expect(drawn(5)).toBe("82b70eee7f1a5039");
    expect(drawn(-5)).toBe("82b70eee7f1a5039");
    expect(drawn(123_456_789_012)).toBe("c10a8647d5664be5");
  });

  test("/bytes/:n has n bytes, the same with the same seed only", async () => {
    const whole = async (path: string): Promise<string> => (await httpbin.get(path)).body.toString("hex");
    expect(await whole("/bytes/16?seed=1")).toBe(await whole("/bytes/16?SEED=1"));
    expect(await whole("/bytes/16?seed=1")).not.toBe(await whole("/bytes/16?seed=2"));
    expect(await whole("/bytes/16")).not.toBe(await whole("/bytes/16"));
    expect((await httpbin.get("/bytes/16?seed=x")).status).toBe(400);
  });

  test("/bytes/:n has its length in the head, whatever its size, and up to the cap", async () => {
    for (const size of [0, 1, 65_536, 65_537, MAX_BYTES, MAX_BYTES + 1]) {
      const answer = await httpbin.get(`/bytes/${size}`);
      const expected = Math.min(size, MAX_BYTES);
      expect([answer.body.byteLength, field(answer, "content-length")]).toEqual([expected, String(expected)]);
    }
    expect(field(await httpbin.send("HEAD /bytes/100000"), "content-length")).toBe("100000");
    expect((await httpbin.get(`/bytes/${"9".repeat(40)}`)).body.byteLength).toBe(MAX_BYTES);
  });

  test("/stream-bytes/:n has the same bytes in chunks, without a length", async () => {
    const streamed = await httpbin.get("/stream-bytes/100000?seed=3&chunk_size=1000");
    expect(field(streamed, "transfer-encoding")).toBe("chunked");
    expect(streamed.body.equals((await httpbin.get("/bytes/100000?seed=3")).body)).toBe(true);
    for (const chunkSize of [0, 1, 10_000_000]) {
      expect((await httpbin.get(`/stream-bytes/5000?chunk_size=${chunkSize}`)).body.byteLength).toBe(5_000);
    }
    expect((await httpbin.get(`/stream-bytes/${MAX_BYTES * 2}?chunk_size=1`)).body.byteLength).toBe(MAX_BYTES);
    expect((await httpbin.get("/stream-bytes/5?chunk_size=x")).status).toBe(400);
  });
});

describe("/range/:n", () => {
  test("is the alphabet over and over", async () => {
    const answer = await httpbin.get("/range/30");
    expect([answer.status, answer.body.toString()]).toEqual([200, "abcdefghijklmnopqrstuvwxyzabcd"]);
    expect(field(answer, "accept-ranges")).toBe("bytes");
    expect(field(answer, "etag")).toBe('"range30"');
  });

  test("gives a part, which is the same part of the whole", async () => {
    const whole = (await httpbin.get("/range/200000")).body;
    const part = await httpbin.get("/range/200000", { Range: "bytes=65530-140000" });
    expect([part.status, field(part, "content-range")]).toEqual([206, "bytes 65530-140000/200000"]);
    expect(part.body.equals(whole.subarray(65_530, 140_001))).toBe(true);
  });

  test("says how long it is where the range lies outside", async () => {
    const answer = await httpbin.get("/range/30", { Range: "bytes=30-" });
    expect([answer.status, field(answer, "content-range")]).toEqual([416, "bytes */30"]);
  });

  test("has 1 byte at least, and the cap at most", async () => {
    expect((await httpbin.get("/range/0")).status).toBe(404);
    expect((await httpbin.get(`/range/${MAX_BYTES + 1}`)).status).toBe(404);
    expect((await httpbin.get(`/range/${MAX_BYTES}`, { Range: "bytes=-1" })).status).toBe(206);
  });

  test("takes the time that is asked for", async () => {
    const begun = performance.now();
    expect((await httpbin.get("/range/100?duration=0.2&chunk_size=10")).body.byteLength).toBe(100);
    expect(performance.now() - begun).toBeGreaterThan(150);
  });

  test("gives the whole where several parts are asked for, and one where they overlap", async () => {
    const several = await httpbin.get("/range/30", { Range: "bytes=0-1,4-5" });
    expect([several.status, several.body.byteLength]).toEqual([200, 30]);
    const joined = await httpbin.get("/range/30", { Range: "bytes=0-3,2-5" });
    expect([joined.status, field(joined, "content-range")]).toEqual([206, "bytes 0-5/30"]);
  });
});

describe("made up on the spot", () => {
  test("/stream/:n has n lines of JSON, 100 at most", async () => {
    const lines = (await httpbin.get("/stream/3?a=1")).body.toString().trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([0, 1, 2].map((id) => ({ id, args: { a: "1" } })));
    expect((await httpbin.get("/stream/1000")).body.toString().trimEnd().split("\n").length).toBe(100);
    expect((await httpbin.get("/stream/0")).body.byteLength).toBe(0);
  });

  test("/uuid is a random one", async () => {
    const one = json(await httpbin.get("/uuid"));
    expect(one).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    });
    expect(json(await httpbin.get("/uuid"))).not.toEqual(one);
  });

  test("/base64/:value decodes both alphabets into plain text", async () => {
    const text = "<b>ü?>~</b>";
    for (const encoding of ["base64", "base64url"] as const) {
      const answer = await httpbin.get(`/base64/${encodeURIComponent(Buffer.from(text).toString(encoding))}`);
      expect([answer.body.toString(), field(answer, "content-type")]).toEqual([text, "text/plain; charset=utf-8"]);
    }
    for (const value of ["a*b", "_-8=", "a=b"]) expect((await httpbin.get(`/base64/${value}`)).status).toBe(400);
  });

  test("/links/:n leads to a page of n links, 200 at most", async () => {
    expect(field(await httpbin.get("/links/3"), "location")).toBe("/links/3/0");
    expect((await httpbin.get("/links/3/1")).body.toString()).toBe(
      "<html><head><title>Links</title></head><body><a href='/links/3/0'>0</a> 1 <a href='/links/3/2'>2</a> </body></html>",
    );
    expect((await httpbin.get("/links/999/0")).body.toString().match(/<a /g)).toHaveLength(199);
  });
});
