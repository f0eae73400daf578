/**
 * Pages in a real browser, as people see them. Every request that is not for this machine is refused and remembered; so is everything that the
 * page complains about. Chromium is found on the PATH: without it the tests are skipped, unless CI=true, where that is a failure.
 */
import { accessSync, constants, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const LOOPBACK = /^(?:https?|wss?):\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::|\/)/;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What a browser says of itself when a server is not there, and nothing else. */
export const SERVER_IS_AWAY =
  /WebSocket connection to .* failed|Failed to load resource: net::ERR_(?:CONNECTION_(?:REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/;

const path = findOnPath();

/** Whether tests that need a browser are to be skipped: there is none, and this is not CI. */
export const hasNoBrowser = path === undefined && process.env["CI"] !== "true";

/** A page, and what was wrong with it. */
export interface Visit {
  readonly page: Page;
  /** Requests that went elsewhere, and were refused. */
  readonly foreign: string[];
  /** Errors and warnings on the page's console, and exceptions that nobody caught. */
  readonly complaints: string[];
}

export function startBrowser(): Promise<Browser> {
  if (path === undefined) throw new Error(`Cannot test pages: none of ${NAMES.join(", ")} is on the PATH`);
  return chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
}

/** A page of a visitor who has never been here before. */
export async function newVisit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const foreign: string[] = [];
  const complaints: string[] = [];
  await context.route(
    (url) => !LOOPBACK.test(url.href),
    (route) => {
      foreign.push(route.request().url());
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.on("websocket", (socket) => LOOPBACK.test(socket.url()) || foreign.push(socket.url()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  return { page, foreign, complaints };
}

/** What axe-core finds wrong, in light and in dark: rule and place of each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const problems: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(AXE);
    const found: string[] = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: AxeRunner }).axe.run();
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    });
    problems.push(...found.map((one) => `${colorScheme}, ${one}`));
  }
  return problems;
}

/** A picture of the page in the folder that SLUICE_SCREENSHOTS names, if it does. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["SLUICE_SCREENSHOTS"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), fullPage: true });
  }
}

/** How far the page is wider than its window, in pixels. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - innerWidth");
}

interface AxeRunner {
  run(): Promise<{ violations: readonly { id: string; nodes: readonly { html: string }[] }[] }>;
}

function findOnPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
