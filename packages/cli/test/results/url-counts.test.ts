import { expect, test } from "vitest";
import { UrlCounts } from "../../src/fetch/results/url-counts.js";

test("a URL can be taken as often as it was added", () => {
  const counts = new UrlCounts();
  counts.add("http://a/");
  counts.add("http://b/");
  counts.add("http://a/");
  expect(
    ["http://a/", "http://a/", "http://a/", "http://b/", "http://b/", "http://c/"].map((url) => counts.take(url)),
  ).toEqual([true, true, false, true, false, false]);
  counts.add("http://a/");
  expect(counts.take("http://a/")).toBe(true);
});

test("as many as there may be are kept apart, over every growth of the table", () => {
  const counts = new UrlCounts();
  const model = new Map<string, number>();
  for (let at = 0; at < 20_000; at += 1) {
    const url = `https://example.com/${(at * 7_919) % 9_000}`;
    if (at % 3 === 2) {
      const left = model.get(url) ?? 0;
      expect(counts.take(url)).toBe(left > 0);
      if (left > 0) model.set(url, left - 1);
    } else {
      counts.add(url);
      model.set(url, (model.get(url) ?? 0) + 1);
    }
  }
  for (const [url, left] of model) {
    for (let taken = 0; taken < left; taken += 1) expect(counts.take(url)).toBe(true);
    expect(counts.take(url)).toBe(false);
  }
});
