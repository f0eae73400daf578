/** The chat in Chromium: two people, a server that dies and comes back, the keyboard, and what axe-core says. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessibilityProblems, hasNoBrowser, overflow, SERVER_IS_AWAY, screenshot } from "./browser/chromium.js";
import { visitedExample } from "./browser/visited-example.js";

describe.skipIf(hasNoBrowser)("the chat", { timeout: 180_000 }, () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-chat-"));
  });
  // Before the example's own, and so after them: hooks that end something run backwards.
  afterEach(() => rm(folder, { recursive: true }));
  const example = visitedExample("chat", SERVER_IS_AWAY);
  const { visit } = example;
  beforeEach(() => example.start("--port", "0", "--data", folder));

  async function enter(name: string, options?: BrowserContextOptions): Promise<Page> {
    return introduced(await visit(options), name);
  }

  async function introduced(page: Page, name: string): Promise<Page> {
    await page.getByLabel("Your name").fill(name);
    await page.keyboard.press("Enter");
    await connected(page);
    return page;
  }

  const connected = (page: Page) => page.getByText("Connected", { exact: true }).waitFor();
  /** The texts in the room that is shown, confirmed by the server. */
  const texts = (page: Page) => page.locator("ol:not([hidden]) .message:not(.waiting) .text").allTextContents();
  const people = (page: Page) => page.locator("#people li span:last-child").allTextContents();
  async function say(page: Page, text: string): Promise<void> {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.keyboard.press("Enter");
  }
  async function restart(): Promise<void> {
    await example.start("--port", example.server.port, "--data", folder);
  }

  test("two people read each other, see each other come and go, and count what they have not seen", async () => {
    const ada = await enter("Ada Lovelace");
    const grace = await enter("Grace Hopper");
    await expect.poll(() => people(ada)).toEqual(["Ada Lovelace", "Grace Hopper"]);
    await say(ada, "Hello <b>Grace</b> & co");
    await say(grace, "Hello Ada");
    for (const page of [ada, grace])
      await expect.poll(() => texts(page)).toEqual(["Hello <b>Grace</b> & co", "Hello Ada"]);
    expect(await ada.locator("#said").textContent()).toBe("Grace Hopper: Hello Ada");

    await grace.getByRole("button", { name: "Kitchen" }).click();
    await say(ada, "Are you there?");
    await grace.getByRole("button", { name: "Lobby 1 unread" }).waitFor();
    expect(await grace.title()).toBe("(1) Chat");
    await screenshot(ada, "chat");
    await screenshot(grace, "chat-unread");
    await grace.getByRole("button", { name: "Lobby" }).click();
    await expect.poll(() => texts(grace)).toHaveLength(3);
    expect(await grace.title()).toBe("Chat");

    // A second window of the same browser is the same person.
    const second = await grace.context().newPage();
    await second.goto(example.server.url);
    await expect.poll(() => texts(second)).toHaveLength(3);
    expect(await people(ada)).toEqual(["Ada Lovelace", "Grace Hopper"]);
    await second.close();
    await grace.close();
    await expect.poll(() => people(ada), { timeout: 60_000 }).toEqual(["Ada Lovelace"]);
  });

  test("a server that is killed and started again loses nothing: neither what was said, nor what was being sent", async () => {
    const ada = await enter("Ada");
    const grace = await enter("Grace");
    await say(ada, "before");
    await expect.poll(() => texts(grace)).toEqual(["before"]);
    await example.server.kill();
    await ada.locator("#connection[data-state=waiting], #connection[data-state=connecting]").waitFor();
    await say(ada, "while it was away");
    await say(grace, "neither am I");
    await ada.locator(".message.waiting").waitFor();
    await screenshot(ada, "chat-away");
    await restart();
    for (const page of [ada, grace]) {
      await connected(page);
      await expect
        .poll(async () => (await texts(page)).toSorted())
        .toEqual(["before", "neither am I", "while it was away"]);
      await expect.poll(() => people(page)).toEqual(["Ada", "Grace"]);
    }
    const order = await texts(ada);
    expect(await texts(grace)).toEqual(order);
    await ada.reload();
    await expect.poll(() => texts(ada)).toEqual(order);
    expect(await ada.locator("#me").textContent()).toBe("Ada");
  });

  test("what was said while a tab was frozen, and the server killed as well, comes once", async () => {
    const ada = await enter("Ada");
    const grace = await enter("Grace");
    await say(ada, "before");
    await expect.poll(() => texts(grace)).toEqual(["before"]);
    const devtools = await grace.context().newCDPSession(grace);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await say(ada, "while Grace slept");
    await expect.poll(() => texts(ada)).toHaveLength(2);
    await example.server.kill();
    await restart();
    await connected(ada);
    for (const text of ["and", "then", "some"]) await say(ada, text);
    await expect.poll(() => texts(ada)).toHaveLength(5);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await expect.poll(() => texts(grace)).toEqual(["before", "while Grace slept", "and", "then", "some"]);
  });

  test("where there is no WebSocket, it is the same chat", async () => {
    const edsger = await introduced(await visit({}, { script: "delete globalThis.WebSocket" }), "Edsger");
    const ada = await enter("Ada");
    await say(edsger, "by POST");
    await say(ada, "by event");
    for (const page of [ada, edsger]) await expect.poll(() => texts(page)).toEqual(["by POST", "by event"]);
    await expect.poll(() => people(edsger)).toEqual(["Ada", "Edsger"]);
  });

  test("the keyboard is enough", async () => {
    const page = await visit();
    await page.getByLabel("Your name").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.type("Ada");
    await page.keyboard.press("Enter");
    await connected(page);
    await page.keyboard.type("first line");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("second line");
    await page.keyboard.press("Enter");
    await expect.poll(() => texts(page)).toEqual(["first line\nsecond line"]);
    // Back from the message field over the messages to the rooms: the third is just before them.
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Shift+Tab");
    await expect.poll(() => page.evaluate("document.activeElement.textContent")).toBe("Library");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Library" }).waitFor();
    await page.keyboard.type("Quiet here");
    await page.keyboard.press("Enter");
    await expect.poll(() => texts(page)).toEqual(["Quiet here"]);
    expect(page.url()).toContain("#Library");
  });

  test("earlier messages are fetched when asked for, and all are in order after the server was started again", async () => {
    await example.server.kill();
    const message = (number: number) => `message ${number}`;
    const all = Array.from({ length: 120 }, (_, index) => message(index + 1));
    const lines = all.map((text) => JSON.stringify({ room: "Lobby", id: text, ts: 1, data: JSON.stringify({ text }) }));
    await writeFile(join(folder, "messages.jsonl"), lines.map((line) => `${line}\n`).join(""));
    await restart();
    const ada = await enter("Ada");
    await expect.poll(() => texts(ada)).toEqual(all.slice(-50));
    const earlier = ada.getByRole("button", { name: "Show earlier messages" });
    await earlier.focus();
    await ada.keyboard.press("Enter");
    await expect.poll(() => texts(ada)).toEqual(all.slice(-100));
    await ada.keyboard.press("Enter");
    await expect.poll(() => texts(ada)).toEqual(all);
    await earlier.waitFor({ state: "hidden" });
    await ada.reload();
    await expect.poll(() => texts(ada)).toEqual(all.slice(-50));

    await example.server.kill();
    await restart();
    await connected(ada);
    await say(ada, "after it");
    await expect.poll(() => texts(ada).then((shown) => shown.at(-1))).toBe("after it");
    expect(await texts(ada)).toEqual([...all, "after it"].slice(-(await texts(ada)).length));
    await earlier.click();
    await earlier.click();
    await expect.poll(() => texts(ada)).toEqual([...all, "after it"]);
  });

  test("when the server keeps no earlier messages, it is said, and none are offered", async () => {
    await example.server.kill();
    const line = (offset: number) =>
      JSON.stringify({ room: "Lobby", id: `${offset}`, ts: offset, data: '{"text":"x"}' });
    await writeFile(
      join(folder, "messages.jsonl"),
      Array.from({ length: 200 }, (_, index) => `${line(index)}\n`).join(""),
    );
    await restart();
    const ada = await enter("Ada");
    await say(ada, "the 201st");
    await expect.poll(() => texts(ada)).toHaveLength(51);
    const earlier = ada.getByRole("button", { name: "Show earlier messages" });
    for (const count of [101, 151, 200]) {
      await earlier.click();
      await expect.poll(() => texts(ada)).toHaveLength(count);
    }
    await earlier.waitFor({ state: "hidden" });
    await ada.getByText("Earlier messages are not kept").waitFor();
  });

  test("who the server does not know any more is asked again", async () => {
    const ada = await enter("Ada");
    await example.server.kill();
    await rm(join(folder, "secret"));
    await restart();
    await introduced(ada, "Ada again");
    await expect.poll(() => people(ada)).toEqual(["Ada again"]);
  });

  test("an address that names no room, or nothing at all, leads to the first one", async () => {
    for (const path of ["/#%E0%A4%A", "/#Attic"]) {
      const page = await introduced(await visit({}, { path }), "Ada");
      await page.getByRole("heading", { name: "Lobby" }).waitFor();
    }
  });

  test("what is being written stays in its room, and the newest message in sight while it grows", async () => {
    const page = await enter("Ada", { viewport: { width: 800, height: 400 } });
    for (const text of ["one", "two", "three\nfour\nfive\nsix\nseven\neight\nnine"]) await say(page, text);
    await expect.poll(() => page.locator(".message.waiting").count()).toBe(0);
    await page.getByLabel("Message", { exact: true }).fill("a\ndraft\nof\nsome\nlines");
    const below = () => page.locator("#scroll").evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight);
    await expect.poll(below).toBeLessThan(2);
    await page.getByRole("button", { name: "Kitchen" }).click();
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("");
    await page.getByRole("button", { name: "Lobby" }).click();
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toContain("draft");
  });

  test("what is written from right to left is shown so, a name as well", async () => {
    const page = await enter("\u0645\u062d\u0645\u062f");
    await say(page, "\u0645\u0631\u062d\u0628\u0627 (1 + 2)");
    await say(page, "left to right");
    await expect.poll(() => texts(page)).toHaveLength(2);
    const directions = (selector: string) =>
      page.locator(selector).evaluateAll((all) => all.map((one) => one.matches(":dir(rtl)")));
    expect(await directions(".message .text")).toEqual([true, false]);
    expect(await directions("#people li span:last-child, .who strong, #me")).toEqual([true, true, true, true]);
  });

  test("axe-core finds nothing, in light and dark, wide and narrow; nothing is wider than a small screen", async () => {
    for (const viewport of [
      { width: 1_200, height: 760 },
      { width: 360, height: 720 },
    ]) {
      const page = await visit({ viewport });
      await page.getByLabel("Your name").waitFor();
      expect(await accessibilityProblems(page)).toEqual([]);
      await screenshot(page, `chat-name-${viewport.width}`);
      await page.getByLabel("Your name").fill("Ada Lovelace");
      await page.keyboard.press("Enter");
      await connected(page);
      await say(page, `A word that is longer than a line: ${"Donaudampfschifffahrtsgesellschaft".repeat(4)}`);
      await expect.poll(() => page.locator(".message.waiting").count()).toBe(0);
      expect(await accessibilityProblems(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
      await screenshot(page, `chat-${viewport.width}`);
      if (viewport.width > 960) continue;
      await page.getByRole("button", { name: /here$/ }).click();
      await page.locator("#people li").first().waitFor();
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.locator("#people").waitFor({ state: "hidden" });
    }
  });

  test("its policy lets nothing in from elsewhere, and nothing inline", async () => {
    const { headers } = await fetch(example.server.url);
    const policy = headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const socket = await fetch(`${example.server.url}/push/events?room=Lobby`);
    expect(socket.status).toBe(401);
  });
});
