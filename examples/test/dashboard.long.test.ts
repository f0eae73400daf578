/** The dashboard in Chromium: it moves, it can be read without eyes, and a tab that stands still costs nobody anything. */
import type { BrowserContextOptions, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { accessibilityProblems, hasNoBrowser, overflow, SERVER_IS_AWAY, screenshot } from "./browser/chromium.js";
import { visitedExample } from "./browser/visited-example.js";

const MOST_SAMPLES = 300;
const DAY_SECONDS = 86_400;
const MOST_GROWTH_BYTES = 4_000_000;

describe.skipIf(hasNoBrowser)("the dashboard", { timeout: 180_000 }, () => {
  const example = visitedExample("dashboard", SERVER_IS_AWAY);
  const start = (...args: readonly string[]) => example.start("--port", "0", ...args);

  async function visit(options?: BrowserContextOptions): Promise<Page> {
    const page = await example.visit(options);
    await live(page);
    return page;
  }

  const live = (page: Page) => page.getByText("Live", { exact: true }).waitFor();
  const samples = async (page: Page) => Number(await page.locator("body").getAttribute("data-samples"));
  const figure = (page: Page, title: string, label: string) =>
    page
      .getByRole("region", { name: title, exact: true })
      .locator("div", { has: page.getByText(label, { exact: true }) })
      .locator("dd");

  test("shows the traffic that it makes, in curves and in tables", async () => {
    await start("--traffic", "--interval", "200");
    const page = await visit();
    await expect.poll(() => samples(page), { timeout: 60_000 }).toBeGreaterThan(5);
    expect(await page.locator("canvas").count()).toBe(5);
    const first = page.getByRole("region", { name: "Requests per second", exact: true });
    await expect
      .poll(async () => Number.parseFloat((await figure(page, "Requests per second", "all").textContent()) ?? ""))
      .toBeGreaterThan(5);
    const before = await first
      .locator("canvas")
      .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
    await expect
      .poll(() =>
        first.locator("canvas").evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL()),
      )
      .not.toBe(before);

    for (const details of await page.locator("summary").all()) await details.click();
    for (const table of await page.getByRole("table").all()) {
      expect(await table.getByRole("row").count()).toBeGreaterThan(5);
      for (const cell of await table.getByRole("row").nth(1).getByRole("cell").allTextContents())
        expect(cell).toMatch(/^([\d.,]+|–)$/);
    }
    expect(await page.getByRole("table").count()).toBe(5);
    await screenshot(page, "dashboard-tables");

    const pause = page.getByRole("button", { name: "Pause" });
    await pause.focus();
    await page.keyboard.press("Enter");
    expect(await pause.getAttribute("aria-pressed")).toBe("true");
    const held = await samples(page);
    await expect.poll(async () => (await fetch(`${example.server.url}/demo/quick`)).status).toBe(200);
    expect(await samples(page)).toBe(held);
    await page.keyboard.press("Enter");
    await expect.poll(() => samples(page)).toBeGreaterThan(held);
  });

  test("a tab that was frozen has everything again, and never holds more than five minutes", async () => {
    await start("--interval", "20");
    const page = await visit();
    const devtools = await page.context().newCDPSession(page);
    await expect.poll(() => samples(page), { timeout: 60_000 }).toBe(MOST_SAMPLES);
    await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize: before } = await devtools.send("Runtime.getHeapUsage");

    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    const frozenAt = Date.now();
    await expect.poll(() => Date.now() - frozenAt, { timeout: 10_000 }).toBeGreaterThan(3_000);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    const newest = page.locator("tbody tr:first-child th").first();
    await expect.poll(() => newest.textContent()).not.toBe("");
    const wanted = secondsOf(new Date(frozenAt + 3_000).toTimeString());
    // From noon before to noon after: midnight is a moment like others.
    await expect
      .poll(async () => (secondsOf(await newest.textContent()) - wanted + 1.5 * DAY_SECONDS) % DAY_SECONDS)
      .toBeGreaterThanOrEqual(DAY_SECONDS / 2);
    expect(await samples(page)).toBe(MOST_SAMPLES);

    const endsAt = Date.now() + 5_000;
    await expect.poll(() => Date.now(), { timeout: 15_000 }).toBeGreaterThan(endsAt);
    expect(await samples(page)).toBe(MOST_SAMPLES);
    await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize: after } = await devtools.send("Runtime.getHeapUsage");
    expect(after - before).toBeLessThan(MOST_GROWTH_BYTES);
  });

  test("a server that is started again goes on in the same page, and the curves do not cross the time between", async () => {
    await start("--interval", "50");
    const page = await visit();
    await expect.poll(() => samples(page), { timeout: 60_000 }).toBeGreaterThan(10);
    const { port } = example.server;
    await example.server.kill();
    await page.locator("#connection:not([data-state=open])").waitFor();
    await screenshot(page, "dashboard-away");
    const held = await samples(page);
    await example.start("--port", port, "--interval", "50");
    await live(page);
    await expect.poll(() => samples(page), { timeout: 60_000 }).toBeGreaterThan(held + 10);
    await screenshot(page, "dashboard-back");
  });

  test("axe-core finds nothing, in light and dark, wide and narrow; nothing is wider than a small screen", async () => {
    await start("--traffic", "--interval", "100");
    for (const viewport of [
      { width: 1_280, height: 900 },
      { width: 360, height: 760 },
    ]) {
      const page = await visit({ viewport });
      await expect.poll(() => samples(page), { timeout: 60_000 }).toBeGreaterThan(40);
      expect(await accessibilityProblems(page)).toEqual([]);
      await screenshot(page, `dashboard-${viewport.width}`);
      for (const details of await page.locator("summary").all()) await details.click();
      expect(await accessibilityProblems(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    }
  });

  test("who prefers less motion gets less of it", async () => {
    await start("--interval", "50");
    const page = await visit({ reducedMotion: "reduce" });
    // Told by the page's own clock: when we come to look says nothing on a busy machine.
    await page.evaluate(`globalThis.drawnAt = [];
      new MutationObserver(() => globalThis.drawnAt.push(performance.now()))
        .observe(document.body, { attributes: true, attributeFilter: ["data-samples"] })`);
    const drawnAt = () => page.evaluate("globalThis.drawnAt") as Promise<number[]>;
    await expect.poll(async () => (await drawnAt()).length, { timeout: 60_000 }).toBeGreaterThanOrEqual(3);
    const [first = 0, , third = 0] = await drawnAt();
    // Samples come every 50 ms; it moves every five seconds.
    expect(third - first).toBeGreaterThan(7_000);
    expect(await samples(page)).toBeGreaterThan(100);
  });
});

/** `12:34:56 …` → seconds of the day. */
function secondsOf(text: string | null): number {
  const [hours = 0, minutes = 0, seconds = 0] =
    /(\d+):(\d+):(\d+)/
      .exec(text ?? "")
      ?.slice(1)
      .map(Number) ?? [];
  return hours * 3_600 + minutes * 60 + seconds;
}
