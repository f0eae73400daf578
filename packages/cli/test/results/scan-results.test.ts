import { describe, expect, test } from "vitest";
import { jsonLine } from "../../src/fetch/reports.js";
import { type ResultLine, scanResults } from "../../src/fetch/results/scan-results.js";
import { UsageProblem } from "../../src/usage-problem.js";

async function* pieces(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function scan(...parts: readonly (string | Uint8Array)[]): Promise<ResultLine[]> {
  const lines: ResultLine[] = [];
  for await (const line of scanResults(pieces(...parts), "out.jsonl")) lines.push(line);
  return lines;
}

const answered = (index: number, url: string, status = 200, body?: Uint8Array) =>
  jsonLine({
    kind: "answered",
    input: { index, url, tooLong: false },
    status,
    finalUrl: undefined,
    contentType: "text/plain",
    size: 1,
    latency: 1,
    elapsed: 1,
    sends: 1,
    body,
    file: undefined,
  });

const failed = (index: number, url: string) =>
  jsonLine({
    kind: "failed",
    input: { index, url, tooLong: false },
    code: "connect/refused",
    message: "x",
    elapsed: 1,
    sends: 1,
  });

describe("the lines of an earlier run", () => {
  test("say which input they are for, whether it is done, and where they stand", async () => {
    const [one, two, three] = [answered(0, "http://a/"), failed(1, "http://b/"), answered(2, "http://c/", 404)];
    const found = await scan(one + two + three);
    expect(found.map(({ url, ok }) => [url, ok])).toEqual([
      ["http://a/", true],
      ["http://b/", false],
      ["http://c/", false],
    ]);
    expect(found.map(({ start, end }) => (one + two + three).slice(start, end))).toEqual([one, two, three]);
  });

  test("are the same however the bytes are cut, and whatever is in a URL", async () => {
    const odd = 'http://a/"\\{},"ok":false,\u2028\u001b\u00e9\u{1f600}';
    const bytes = Buffer.from(answered(0, odd) + answered(1, "http://b/"));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const found = await scan(bytes.subarray(0, cut), bytes.subarray(cut));
      expect(
        found.map(({ url }) => url),
        `cut at ${cut}`,
      ).toEqual([odd, "http://b/"]);
      expect(found.at(-1)?.end).toBe(bytes.length);
    }
  });

  test("may be as long as bodies are, and their URLs as long as input lines", async () => {
    const longest = `http://a/${"\u0001".repeat(64 * 1024 - 9)}`;
    const lines = [answered(0, "http://b/", 200, Buffer.alloc(3_000_000, "x")), answered(1, longest), answered(2, "c")];
    expect((await scan(lines.join(""))).map(({ url }) => url)).toEqual(["http://b/", longest, "c"]);
  });

  test("are whole but for the last one, which may be cut off anywhere", async () => {
    const whole = answered(0, "http://a/");
    const last = answered(1, "http://b/");
    for (let cut = 0; cut < last.length; cut += 1) {
      expect(await scan(whole + last.slice(0, cut)), `cut at ${cut}`).toHaveLength(1);
      expect(await scan(last.slice(0, cut)), `alone, cut at ${cut}`).toHaveLength(0);
    }
    expect(await scan(whole, new Uint8Array(100))).toHaveLength(1);
    expect(await scan(new Uint8Array(100))).toHaveLength(0);
    // Line feeds behind what was cut off, as an editor may have put them there.
    for (const cut of [20, last.indexOf("elapsed")]) {
      expect(await scan(`${whole}${last.slice(0, cut)}\n`)).toHaveLength(1);
    }
  });

  test("are all there is in the file: anything else is another file", async () => {
    const line = answered(0, "http://a/");
    const others = [
      "hello",
      "hello\n",
      '{"a":1}\n',
      "https://example.com/\n",
      `x\n${line}`,
      `${line}\n${line}`,
      `${line}x\n${line}`,
    ];
    for (const other of others) await expect(scan(other), other).rejects.toThrow(UsageProblem);
    await expect(scan(`${line}x\n${line}`)).rejects.toThrow(
      "Cannot go on with out.jsonl: line 2 is not one that sluice fetch writes; name another file with -o",
    );
  });
});
