/**
 * The cases of abarth/http-state, which RFC 6265 was written beside. Each agrees, or stands in the table below with its reason.
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CookieJar } from "../../src/client/cookie-jar.js";

interface CookieCase {
  readonly test: string;
  readonly url: string;
  readonly set_cookie: readonly string[];
  readonly next_url: string;
  readonly expect_cookie: string;
}

interface DateCase {
  readonly test: string;
  readonly expected: string | null;
}

const NOW = Date.UTC(2011, 0, 1);

/** Where we differ, and why. Every entry is checked: one that agrees after all has to go. */
const DEVIATIONS: Readonly<Record<string, { readonly cookie: string; readonly why: string }>> = {
  DISABLED_PATH0029: {
    cookie: "",
    why: "Disabled in the original, too: RFC 6265 §5.1.4 compares paths as they are sent, so %6F is not o",
  },
};

function read<T>(name: string): readonly T[] {
  return JSON.parse(readFileSync(new URL(`../fixtures/http-state/${name}`, import.meta.url), "utf8")) as T[];
}

/** Field values are latin1 text; what servers send in them is often UTF-8. */
function onTheWire(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

describe("http-state cookies", () => {
  test.each(read<CookieCase>("cookies.json").map((given) => [given.test, given] as const))(
    "%s",
    async (name, given) => {
      const jar = new CookieJar({ wallTime: () => NOW });
      await jar.store(new URL(given.url), given.set_cookie.map(onTheWire));
      const sent = jar.cookieHeader(new URL(given.next_url)) ?? "";
      expect(sent).toBe(onTheWire(DEVIATIONS[name]?.cookie ?? given.expect_cookie));
      if (name in DEVIATIONS) expect(sent).not.toBe(onTheWire(given.expect_cookie));
    },
  );
});

describe("http-state dates", () => {
  test.each(read<DateCase>("cookie-dates.json").map((given) => [given.test, given] as const))(
    "%s",
    async (name, given) => {
      // Yesterday: an end that is past would remove it, and one that is years away would be brought nearer.
      const day = 24 * 60 * 60 * 1_000;
      const expected = given.expected === null ? 0 : Date.parse(given.expected);
      const jar = new CookieJar({ wallTime: () => expected - day });
      await jar.store(new URL("http://example.com/"), [`a=b; expires=${name}`]);
      const [cookie] = jar.all();
      const expires = cookie?.expires === undefined ? null : new Date(cookie.expires).toUTCString();
      expect(expires).toBe(given.expected);
    },
  );
});
