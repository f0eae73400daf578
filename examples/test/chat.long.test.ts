/** The chat in Chromium: two people, a server that dies and comes back, the keyboard, and what axe-core says. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  accessibilityProblems,
  hasNoBrowser,
  newVisit,
  overflow,
  screenshot,
  startBrowser,
  type Visit,
} from "./browser/chromium.js";
import { type Started, startProgram } from "./browser/started-program.js";

/** What a browser says of itself when a server is not there, and nothing else. */
const SERVER_IS_AWAY =
  /WebSocket connection to .* failed|Failed to load resource: net::ERR_(?:CONNECTION_(?:REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/;

describe.skipIf(hasNoBrowser)("the chat", { timeout: 180_000 }, () => {
  let browser: Browser;
  let folder: string;
  let server: Started;
  const visits: Visit[] = [];

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-chat-"));
    server = await startProgram("chat", "--port", "0", "--data", folder);
  });
  afterEach(async () => {
    for (const { page, foreign, complaints } of visits.splice(0)) {
      expect(foreign, "requests to other hosts").toEqual([]);
      expect(complaints.filter((text) => !SERVER_IS_AWAY.test(text))).toEqual([]);
      await page.context().close();
    }
    expect(await server.stop()).toBe(0);
    expect(server.errors()).toBe("");
    await rm(folder, { recursive: true });
  });

  async function visit(options?: BrowserContextOptions): Promise<Page> {
    const one = await newVisit(browser, options);
    visits.push(one);
    await one.page.goto(server.url);
    return one.page;
  }

  async function enter(name: string, options?: BrowserContextOptions): Promise<Page> {
    const page = await visit(options);
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
    server = await startProgram("chat", "--port", server.port, "--data", folder);
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
    await second.goto(server.url);
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
    await server.kill();
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
    await server.kill();
    await restart();
    await connected(ada);
    for (const text of ["and", "then", "some"]) await say(ada, text);
    await expect.poll(() => texts(ada)).toHaveLength(5);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await expect.poll(() => texts(grace)).toEqual(["before", "while Grace slept", "and", "then", "some"]);
  });

  test("where there is no WebSocket, it is the same chat", async () => {
    const one = await newVisit(browser);
    visits.push(one);
    await one.page.addInitScript("delete globalThis.WebSocket");
    await one.page.goto(server.url);
    await one.page.getByLabel("Your name").fill("Edsger");
    await one.page.keyboard.press("Enter");
    await connected(one.page);
    const ada = await enter("Ada");
    await say(one.page, "by POST");
    await say(ada, "by event");
    for (const page of [ada, one.page]) await expect.poll(() => texts(page)).toEqual(["by POST", "by event"]);
    await expect.poll(() => people(one.page)).toEqual(["Ada", "Edsger"]);
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

  test("earlier messages are fetched when asked for", async () => {
    const ada = await enter("Ada");
    for (let number = 1; number <= 55; number += 1) await say(ada, `message ${number}`);
    await expect.poll(() => texts(ada), { timeout: 60_000 }).toHaveLength(55);
    await ada.reload();
    await expect.poll(() => texts(ada)).toHaveLength(50);
    await ada.getByRole("button", { name: "Show earlier messages" }).click();
    await expect.poll(() => texts(ada)).toHaveLength(55);
    expect((await texts(ada))[0]).toBe("message 1");
    await ada.getByRole("button", { name: "Show earlier messages" }).waitFor({ state: "hidden" });
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
    }
  });

  test("its policy lets nothing in from elsewhere, and nothing inline", async () => {
    const { headers } = await fetch(server.url);
    const policy = headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const socket = await fetch(`${server.url}/push/events?room=Lobby`);
    expect(socket.status).toBe(401);
  });
});
