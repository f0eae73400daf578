/**
 * An example under the eyes of visitors: a browser for all tests of a file, a server for each test, and after it what must hold for every page: it
 * asked no other host for anything, complained of nothing, and its server ended as it should, without a word.
 */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { newVisit, startBrowser, type Visit } from "./chromium.js";
import { type Started, startProgram } from "./started-program.js";

export interface VisitedExample {
  readonly server: Started;
  /** Starts the program; again, after it was killed. */
  start(...args: readonly string[]): Promise<void>;
  /** The page as somebody sees it who has never been here before. */
  visit(options?: BrowserContextOptions, visited?: { readonly path?: string; readonly script?: string }): Promise<Page>;
}

/** To be called in `describe`. `tolerated`: complaints that are none. */
export function visitedExample(name: string, tolerated = /^\b$/): VisitedExample {
  const visits: Visit[] = [];
  let browser: Browser;
  let server: Started;

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const { page, foreign, complaints } of visits.splice(0)) {
      expect(foreign, "requests to other hosts").toEqual([]);
      expect(complaints.filter((text) => !tolerated.test(text))).toEqual([]);
      await page.context().close();
    }
    expect(await server.stop()).toBe(0);
    expect(server.errors()).toBe("");
  });

  return {
    get server() {
      return server;
    },
    async start(...args) {
      server = await startProgram(name, ...args);
    },
    async visit(options, { path = "", script = "" } = {}) {
      const one = await newVisit(browser, options);
      visits.push(one);
      await one.page.addInitScript(script);
      await one.page.goto(server.url + path);
      return one.page;
    },
  };
}
