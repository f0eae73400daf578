/** The drop page in a real browser that can reach nobody but this machine. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { Application, type UploadsOptions } from "sluice/server";
import { ManualClock } from "sluice/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { uploadPlace } from "../../src/serve/upload-place.js";
import { chromiumPath, withoutChromium } from "../support/chromium.js";
import { emptyFolder } from "../support/folder.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const EVIL_NAME = "<img src=x onerror=document.title='owned'>.txt";
const MIB = 1024 * 1024;
/** Requests of the page wait until they are let go. */
const HOLD = `globalThis.held = []; globalThis.send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) { held.push(() => send.call(this, body)); };`;
const RELEASE = "XMLHttpRequest.prototype.send = send; held.forEach((go) => go());";

let browser: Browser;

interface Opened {
  readonly page: Page;
  readonly folder: string;
  /** Of every PATCH: the offset that it began at. */
  readonly offsets: string[];
  /** Hosts that were asked for beyond this machine. */
  readonly strangers: string[];
}

async function opened(
  options: Omit<UploadsOptions, "directory"> = {},
  colorScheme: "light" | "dark" = "light",
): Promise<Opened> {
  const folder = await emptyFolder();
  const offsets: string[] = [];
  const strangers: string[] = [];
  const app = new Application({ receiveTimeout: Number.POSITIVE_INFINITY });
  const place = uploadPlace(folder, {
    ...options,
    authorize(request, action) {
      if (action === "append") offsets.push(request.headers.get("upload-offset") ?? "");
    },
  });
  app.mount("/uploads", place);
  const server = await app.listen({ host: "127.0.0.1", port: 0 });
  const context = await browser.newContext({ colorScheme });
  onTestFinished(async () => {
    await context.close();
    await server.close({ grace: 0 });
  });
  await keepAtHome(context, strangers);
  const page = await context.newPage();
  // Leaving while something runs asks; a person would say yes.
  page.on("dialog", (dialog) => void dialog.accept());
  await page.goto(`${server.url}/uploads/`);
  return { page, folder, offsets, strangers };
}

async function keepAtHome(context: BrowserContext, strangers: string[]): Promise<void> {
  await context.route("**/*", (route) => {
    const { hostname, protocol } = new URL(route.request().url());
    if (hostname === "127.0.0.1" || protocol === "data:") return route.continue();
    strangers.push(hostname);
    return route.abort();
  });
}

const finished = (folder: string): string[] => readdirSync(folder).filter((name) => name !== ".uploads");

/** Bytes that the server has written of what is unfinished. */
function partBytes(folder: string): number {
  const inside = join(folder, ".uploads");
  const parts = existsSync(inside) ? readdirSync(inside).filter((name) => name.endsWith(".part")) : [];
  return parts.reduce((sum, name) => sum + statSync(join(inside, name)).size, 0);
}

const doneIn = (page: Page): Promise<number> => page.locator("#uploads li.done").count();

/** Lets a second pass on the server's clock, by which it counts `maxRate`: bytes come while somebody looks, and only then. */
async function passing<Value>(clock: ManualClock, look: () => Value | Promise<Value>): Promise<Value> {
  for (let step = 0; step < 10; step += 1) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return look();
}

describe.skipIf(withoutChromium)("the drop page", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? "missing", args: ["--no-sandbox"] });
  }, 60_000);
  afterAll(() => browser?.close());

  test("takes files that are chosen and files that are dropped, and asks no other host for anything", async () => {
    const { page, folder, strangers } = await opened();
    await page.setInputFiles("#picker", [
      { name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("chosen") },
      { name: "empty", mimeType: "", buffer: Buffer.alloc(0) },
    ]);
    const dropped = `(() => { const made = new DataTransfer(); made.items.add(new File(["dropped"], "b.txt")); return made; })()`;
    const transfer = await page.evaluateHandle(dropped);
    await page.dispatchEvent("#zone", "drop", { dataTransfer: transfer });
    await expect.poll(() => doneIn(page), { timeout: 30_000 }).toBe(3);
    expect(finished(folder).sort()).toEqual(["a.txt", "b.txt", "empty"]);
    expect(readFileSync(join(folder, "b.txt"), "utf8")).toBe("dropped");
    expect(await page.evaluate("localStorage.length")).toBe(0);
    expect(strangers).toEqual([]);
  });

  test("shows names as text, whatever is in them", async () => {
    const { page, folder } = await opened();
    await page.setInputFiles("#picker", [{ name: EVIL_NAME, mimeType: "", buffer: Buffer.from("x") }]);
    await expect.poll(() => doneIn(page), { timeout: 30_000 }).toBe(1);
    expect(await page.locator(".name").textContent()).toBe(EVIL_NAME);
    expect([await page.locator("#uploads img").count(), await page.title()]).toEqual([0, "Upload files"]);
    expect(finished(folder)).toHaveLength(1);
  });

  test("pauses and resumes, by keyboard, where it was", async () => {
    const clock = new ManualClock();
    const { page, folder, offsets } = await opened({ clock, limits: { maxRate: MIB, minFreeBytes: 0 } });
    const bytes = randomBytes(4 * MIB);
    await page.setInputFiles("#picker", [{ name: "big.bin", mimeType: "", buffer: bytes }]);
    const pause = page.locator("button", { hasText: "Pause" });
    await expect.poll(() => passing(clock, () => partBytes(folder)), { timeout: 30_000 }).toBeGreaterThan(0);
    await page.focus("#picker");
    await page.keyboard.press("Tab");
    expect(await pause.evaluate((button) => button === button.ownerDocument.activeElement)).toBe(true);
    await page.keyboard.press("Enter");
    const figures = (): Promise<string | null> => page.locator(".figures").textContent();
    await expect.poll(figures, { timeout: 30_000 }).toMatch(/^Paused at [\d.]+ [kM]B of 4\.2 MB$/);
    await page.keyboard.press("Enter");
    await expect.poll(() => passing(clock, () => doneIn(page)), { timeout: 30_000 }).toBe(1);
    expect(readFileSync(join(folder, "big.bin")).equals(bytes)).toBe(true);
    expect(Number(offsets.at(-1))).toBeGreaterThan(0);
  });

  test("after a reload it names what is unfinished, and the same file goes on where it was", async () => {
    const clock = new ManualClock({ wallTime: Date.now() });
    const { page, folder, offsets } = await opened({ clock, limits: { maxRate: MIB, minFreeBytes: 0 } });
    const source = join(await emptyFolder(), "reloaded.bin");
    const bytes = randomBytes(4 * MIB);
    writeFileSync(source, bytes);
    await page.setInputFiles("#picker", source);
    await expect.poll(() => passing(clock, () => partBytes(folder)), { timeout: 30_000 }).toBeGreaterThan(0);
    await page.reload();
    await expect
      .poll(() => page.locator("#earlier-names .name").allTextContents(), { timeout: 30_000 })
      .toEqual(["reloaded.bin"]);
    await page.setInputFiles("#picker", source);
    await expect.poll(() => passing(clock, () => doneIn(page)), { timeout: 30_000 }).toBe(1);
    expect(readFileSync(join(folder, "reloaded.bin")).equals(bytes)).toBe(true);
    expect(offsets[0]).toBe("0");
    expect(Number(offsets.at(-1))).toBeGreaterThan(0);
    expect(await page.locator("#earlier").isHidden()).toBe(true);
  });

  test("cancels: the server forgets it, and so does the page", async () => {
    const { page, folder } = await opened({ limits: { maxRate: MIB, minFreeBytes: 0 } });
    await page.setInputFiles("#picker", [{ name: "big.bin", mimeType: "", buffer: randomBytes(6 * MIB) }]);
    await expect.poll(() => readdirSync(join(folder, ".uploads")).length, { timeout: 30_000 }).toBe(3);
    await page.click("button:has-text('Cancel')");
    await expect.poll(() => readdirSync(join(folder, ".uploads")), { timeout: 30_000 }).toEqual([]);
    expect(await page.locator("#uploads li").count()).toBe(0);
    expect(existsSync(join(folder, "big.bin"))).toBe(false);
  });

  test("what is unfinished can be given up without its file, and is not named when the server has given it up", async () => {
    const { page, folder } = await opened({ limits: { maxRate: MIB, minFreeBytes: 0 } });
    await page.setInputFiles("#picker", [{ name: "big.bin", mimeType: "", buffer: randomBytes(6 * MIB) }]);
    await expect.poll(() => page.evaluate("localStorage.length"), { timeout: 30_000 }).toBe(1);
    const expired = `localStorage.setItem('sluice-upload:["old.bin",5,1]', '["/uploads/x",1]')`;
    await page.evaluate(expired);
    await page.reload();
    expect(await page.locator("#earlier-names .name").allTextContents()).toEqual(["big.bin"]);
    await page.click("#earlier-names button");
    await expect.poll(() => readdirSync(join(folder, ".uploads")), { timeout: 30_000 }).toEqual([]);
    expect(await page.locator("#earlier").isHidden()).toBe(true);
    expect(await page.evaluate("[localStorage.length, document.activeElement.id]")).toEqual([0, "picker"]);
  });

  test("many at once: three go, the others wait for their turn, and all arrive once", async () => {
    const clock = new ManualClock();
    const { page, folder } = await opened({ clock, limits: { maxRate: MIB, minFreeBytes: 0 } });
    const files = Array.from({ length: 8 }, (_, at) => ({
      name: `${at}.bin`,
      mimeType: "",
      buffer: randomBytes(MIB / 4),
    }));
    await page.setInputFiles("#picker", files);
    const waiting = page.locator(".figures", { hasText: "Waiting for its turn" });
    await expect.poll(() => waiting.count(), { timeout: 30_000 }).toBe(5);
    await expect.poll(() => passing(clock, () => doneIn(page)), { timeout: 60_000 }).toBe(8);
    expect(finished(folder).sort()).toEqual(files.map(({ name }) => name));
  });

  test("paused and resumed before the server has answered: one loop of requests goes on, not two", async () => {
    const { page, folder, offsets } = await opened();
    await page.evaluate(HOLD);
    await page.setInputFiles("#picker", [{ name: "a.txt", mimeType: "", buffer: Buffer.from("once") }]);
    const button = page.locator("#uploads button").first();
    for (const text of ["Pause", "Resume", "Pause", "Resume"]) {
      expect(await button.textContent()).toBe(text);
      await button.click();
    }
    expect(await page.evaluate("held.length")).toBe(1);
    await page.evaluate(RELEASE);
    await expect.poll(() => doneIn(page), { timeout: 30_000 }).toBe(1);
    expect([finished(folder), offsets]).toEqual([["a.txt"], ["0"]]);
  });

  test("what cannot be read is told at once, and tried again by hand", async () => {
    const { page, folder } = await opened();
    const source = join(await emptyFolder(), "gone.bin");
    writeFileSync(source, "here");
    await page.evaluate(HOLD);
    await page.setInputFiles("#picker", source);
    rmSync(source);
    await page.evaluate(RELEASE);
    await expect
      .poll(() => page.locator("li.failed .figures").textContent(), { timeout: 30_000 })
      .toBe("This cannot be read: a folder, or a file that has gone");
    expect(finished(folder)).toEqual([]);
    expect(await page.locator("#uploads button").first().textContent()).toBe("Try again");
  });

  test("says what the server refuses", async () => {
    const { page } = await opened({ limits: { maxSize: 3 } });
    await page.setInputFiles("#picker", [{ name: "a.txt", mimeType: "", buffer: Buffer.from("four") }]);
    await expect
      .poll(() => page.locator("li.failed .figures").textContent(), { timeout: 30_000 })
      .toBe("The file is larger than the server takes (413)");
    expect(await page.locator("[role=status]").textContent()).toBe(
      "a.txt: The file is larger than the server takes (413)",
    );
  });

  test.each(["light", "dark"] as const)("%s: axe finds nothing to object to, idle, busy and done", async (scheme) => {
    const { page } = await opened({ limits: { maxRate: 64 * 1024, minFreeBytes: 0 } }, scheme);
    const objections = async (): Promise<unknown[]> => {
      await page.evaluate(AXE);
      return page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        return (await axe.run()).violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
      });
    };
    expect(await objections()).toEqual([]);
    await page.setInputFiles("#picker", [
      { name: "small", mimeType: "", buffer: Buffer.from("x") },
      { name: "large", mimeType: "", buffer: randomBytes(MIB) },
    ]);
    await expect.poll(() => doneIn(page), { timeout: 30_000 }).toBe(1);
    expect(await objections()).toEqual([]);
  });
});
