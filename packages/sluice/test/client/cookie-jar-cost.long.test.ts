/** What a jar costs, at a size and at ten times that size: printed, and held to not growing with the number of URLs. */
import { describe, expect, test } from "vitest";
import { CookieJar } from "../../src/client/cookie-jar.js";

const ASKS = 200_000;

async function jarOf(hosts: number, perHost: number): Promise<CookieJar> {
  const jar = new CookieJar({ wallTime: () => 0, maxCookies: Number.POSITIVE_INFINITY });
  for (let host = 0; host < hosts; host += 1) {
    const lines = Array.from(
      { length: perHost },
      (_value, at) => `c${at}=${at}; path=${at % 2 === 0 ? "/" : `/p${at}`}`,
    );
    await jar.store(new URL(`https://h${host}.example.org/`), lines);
  }
  return jar;
}

/** Nanoseconds for one `Cookie` value, the best of three rounds. */
function cost(jar: CookieJar, hosts: number, urls: number): number {
  const asked = Array.from({ length: urls }, (_value, at) => {
    return { protocol: "https:", hostname: `h${at % hosts}.example.org`, pathname: `/p${at % 9}/${at}` };
  });
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round += 1) {
    const started = performance.now();
    for (let at = 0; at < ASKS; at += 1) {
      const url = asked[at % urls];
      if (url !== undefined) jar.cookieHeader(url);
    }
    best = Math.min(best, performance.now() - started);
  }
  return (best / ASKS) * 1e6;
}

describe("the cost of a Cookie value", () => {
  test("does not grow with the number of URLs, and little with that of cookies and hosts", async () => {
    const rows: string[] = [];
    const measured = new Map<string, number>();
    for (const [hosts, perHost] of [
      [20, 5],
      [200, 5],
      [20, 50],
    ] as const) {
      const jar = await jarOf(hosts, perHost);
      for (const urls of [1_000, 10_000, 100_000]) {
        const ns = cost(jar, hosts, urls);
        measured.set(`${hosts}/${perHost}/${urls}`, ns);
        rows.push(`${hosts} hosts of ${perHost} cookies, ${urls} URLs: ${ns.toFixed(0)} ns`);
      }
    }
    console.log(rows.join("\n"));
    const of = (name: string): number => measured.get(name) ?? Number.NaN;
    // Memory far away is slower: what must not be is a factor of the number.
    expect(of("20/5/10000")).toBeLessThan(4 * of("20/5/1000") + 500);
    expect(of("20/50/10000")).toBeLessThan(4 * of("20/50/1000") + 500);
    expect(of("200/5/10000")).toBeLessThan(4 * of("20/5/10000") + 500);
    expect(of("20/50/1000")).toBeLessThan(6 * of("20/5/1000") + 500);
  });

  test("memory does not grow with the number of URLs", async () => {
    const jar = await jarOf(20, 10);
    const gc = (globalThis as { gc?: () => void }).gc;
    const heap = (): number => {
      gc?.();
      return process.memoryUsage().heapUsed;
    };
    const ask = (from: number): void => {
      for (let at = from; at < from + 300_000; at += 1) {
        jar.cookieHeader({ protocol: "https:", hostname: `h${at % 20}.example.org`, pathname: `/p${at % 9}/${at}` });
      }
    };
    ask(0);
    const before = heap();
    ask(1_000_000);
    expect(heap() - before).toBeLessThan(5_000_000);
  });

  test("a server that fills the jar for ever costs the same at each answer", async () => {
    const jar = new CookieJar({ wallTime: () => 0 });
    await jar.set("https://example.org/", "a", "1");
    const fill = (from: number): number => {
      const started = performance.now();
      for (let at = from; at < from + 20_000; at += 1) {
        void jar.store({ protocol: "https:", hostname: `h${at}.example.org`, pathname: "/" }, [`c${at}=1`]);
      }
      return performance.now() - started;
    };
    fill(0);
    const [early, late] = [fill(20_000), fill(100_000)];
    console.log(`20,000 cookies into a full jar: ${early.toFixed(0)} ms, later ${late.toFixed(0)} ms`);
    expect(jar.size).toBe(3_000);
    expect(late).toBeLessThan(4 * early + 200);
  });
});
