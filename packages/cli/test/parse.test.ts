import { describe, expect, test } from "vitest";
import { completeUrl } from "../src/parse/complete-url.js";
import { parseDelay, parseDuration, parseTimeLimit } from "../src/parse/duration.js";
import { parseJsonText } from "../src/parse/json-text.js";
import { parseOrigin } from "../src/parse/origin.js";
import { parseCredentials, parseFormField, parseHeader, parseMethod, parseNames } from "../src/parse/pairs.js";
import { parseProxy } from "../src/parse/proxy.js";
import { parseRate } from "../src/parse/rate.js";
import { parseSize } from "../src/parse/size.js";
import { parseStatuses } from "../src/parse/statuses.js";
import { parseWholeNumber } from "../src/parse/whole-number.js";
import { UsageProblem } from "../src/usage-problem.js";

describe("a time", () => {
  test.each([
    ["500ms", 500],
    ["10s", 10_000],
    ["1.5s", 1_500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["0ms", 0],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text, "s")).toBe(ms);
  });

  test("without a unit is in the unit that its option names", () => {
    expect(parseDuration("10", "s")).toBe(10_000);
    expect(parseDuration("10", "ms")).toBe(10);
  });

  test.each(["", "s", "-1s", "1 s", "10S", "1e3", "0x10", "+5", "1.s", ".5s", "10s5", "Infinity", "1234567890123s"])(
    'refuses "%s"',
    (text) => {
      expect(() => parseDuration(text, "s")).toThrow(UsageProblem);
    },
  );

  test("as a limit is above 0, and in seconds without a unit", () => {
    expect(parseTimeLimit("3")).toBe(3_000);
    expect(() => parseTimeLimit("0")).toThrow("above 0");
    expect(() => parseTimeLimit("0ms")).toThrow("above 0");
  });
});

describe("a delay", () => {
  test.each([
    ["200", 200, 200],
    ["1s", 1_000, 1_000],
    ["100-500", 100, 500],
    ["100-500ms", 100, 500],
    ["1-3s", 1_000, 3_000],
    ["500ms-2s", 500, 2_000],
    ["0-0", 0, 0],
    ["100..500", 100, 500],
    ["1..3s", 1_000, 3_000],
    ["1.5s..2s", 1_500, 2_000],
    ["0.5..1.5", 0.5, 1.5],
  ])("%s is drawn from %d to %d ms", (text, least, most) => {
    expect(parseDelay(text)).toEqual([least, most]);
  });

  test.each(["500-100", "2s-500ms", "-5", "5-", "1-2-3", "a-b", ""])('refuses "%s"', (text) => {
    expect(() => parseDelay(text)).toThrow(UsageProblem);
  });
});

describe("a size", () => {
  test.each([
    ["500", 500],
    ["500b", 500],
    ["1kB", 1_000],
    ["10MB", 10_000_000],
    ["64KiB", 65_536],
    ["1MiB", 1_048_576],
    ["1.5k", 1_536],
    ["2g", 2_147_483_648],
    ["5GiB", 5_368_709_120],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["0", "", "-1", "1TB", "1 MB", "k", "0.1", "999999999999g", "1.2.3"])('refuses "%s"', (text) => {
    expect(() => parseSize(text)).toThrow(UsageProblem);
  });
});

describe("a rate", () => {
  test.each([
    ["10", { requests: 10, per: 1_000 }],
    ["10/s", { requests: 10, per: 1_000 }],
    ["600/m", { requests: 600, per: 60_000 }],
    ["0.5/s", { requests: 0.5, per: 1_000 }],
    ["100/h", { requests: 100, per: 3_600_000 }],
  ])("%s", (text, rate) => {
    expect(parseRate(text)).toEqual(rate);
  });

  test.each(["0", "0/s", "10/d", "10/", "/s", "-1/s", "ten"])('refuses "%s"', (text) => {
    expect(() => parseRate(text)).toThrow(UsageProblem);
  });
});

describe("a whole number", () => {
  test("is taken at both ends of its range and refused one past them", () => {
    expect(parseWholeNumber("1", 1, 3)).toBe(1);
    expect(parseWholeNumber("3", 1, 3)).toBe(3);
    expect(() => parseWholeNumber("0", 1, 3)).toThrow("a whole number, 1 to 3");
    expect(() => parseWholeNumber("4", 1, 3)).toThrow("a whole number, 1 to 3");
  });

  test.each(["", "1.5", "1e2", "+1", "-1", "0x1", " 1", "12abc", "99999999999999999"])('refuses "%s"', (text) => {
    expect(() => parseWholeNumber(text, 0)).toThrow(UsageProblem);
  });
});

describe("a header", () => {
  test("is split at its first colon, without the spaces around name and value", () => {
    expect(parseHeader("accept: text/html")).toEqual(["accept", "text/html"]);
    expect(parseHeader("x-time:10:30")).toEqual(["x-time", "10:30"]);
    expect(parseHeader("x-empty:")).toEqual(["x-empty", ""]);
  });

  test.each([
    ["no colon", "authorization secret"],
    ["no name", ": secret"],
    ["a space in its name", "a b: secret"],
    ["a line break in its value", "a: secret\r\nb: c"],
    ["NUL in its value", "a: secret\0"],
  ])("with %s is refused without repeating its value", (_what, text) => {
    let message = "";
    try {
      parseHeader(text);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).not.toBe("");
    expect(message).not.toContain("secret");
  });
});

test("a form field has a name, and everything after the first = is its value", () => {
  expect(parseFormField("a=b=c")).toEqual(["a", "b=c"]);
  expect(parseFormField("a=")).toEqual(["a", ""]);
  expect(() => parseFormField("a")).toThrow(UsageProblem);
  expect(() => parseFormField("=b")).toThrow(UsageProblem);
});

test("credentials are a name and a password, in which colons may be", () => {
  expect(parseCredentials("ada:a:b")).toEqual({ username: "ada", password: "a:b" });
  expect(() => parseCredentials("ada")).toThrow('expected "user:password"');
});

test("a method is a token, in upper case", () => {
  expect(parseMethod("purge")).toBe("PURGE");
  expect(() => parseMethod("GET /")).toThrow(UsageProblem);
  expect(() => parseMethod("")).toThrow(UsageProblem);
});

test("names have commas between them, and none is empty", () => {
  expect(parseNames("page, q")).toEqual(["page", "q"]);
  expect(() => parseNames("page,,q")).toThrow(UsageProblem);
});

describe("JSON", () => {
  test("is given back as it was written", () => {
    expect(parseJsonText('{"n": 12345678901234567890}')).toBe('{"n": 12345678901234567890}');
  });

  test.each(["", "{", "nope-secret", '{"a":"secret",}', "{'a':1}"])("refuses %s without repeating it", (text) => {
    expect(() => parseJsonText(text)).toThrow("the value is not JSON");
    expect(() => parseJsonText(text)).not.toThrow("secret");
  });
});

describe("statuses", () => {
  test("are numbers, or classes of them, each once and in order", () => {
    expect(parseStatuses("503, 429,429")).toEqual([429, 503]);
    expect(parseStatuses("200,599")).toEqual([200, 599]);
    expect(parseStatuses("5xx,404")).toEqual([404, ...Array.from({ length: 100 }, (_, at) => 500 + at)]);
  });

  test.each(["", "199", "600", "1xx", "6xx", "5x", "4290", "429;503", "429,", "-1"])('refuse "%s"', (text) => {
    expect(() => parseStatuses(text)).toThrow(UsageProblem);
  });
});

describe("a URL", () => {
  test.each([
    ["example.com", "https://example.com"],
    ["example.com:8443/a?b#c", "https://example.com:8443/a?b#c"],
    ["EXAMPLE.com?q=http://x/", "https://EXAMPLE.com?q=http://x/"],
    ["localhost", "http://localhost"],
    ["localhost:8080/a", "http://localhost:8080/a"],
    [":8080", "http://localhost:8080"],
    [":8080/a", "http://localhost:8080/a"],
    ["127.0.0.1:80", "http://127.0.0.1:80"],
    ["192.0.2.7", "http://192.0.2.7"],
    ["[::1]:8080/a", "http://[::1]:8080/a"],
    ["api:3000/x", "http://api:3000/x"],
  ])("%s gets the scheme that is missing: %s", (text, complete) => {
    expect(completeUrl(text)).toBe(complete);
  });

  test.each([
    ...["http://a/", "HTTPS://a", "ws://a", "ftp://a/", "unix:/run/x", "mailto:a@b.example", "data:,x"],
    ...[
      "",
      "nonsense",
      "/path",
      "?q",
      "#f",
      "a b.example",
      "user:pw@example.com",
      "example.com:port",
      "//example.com",
      ":",
      "-a.example",
    ],
  ])("what is complete, or no host at its beginning, stays as it is: %j", (text) => {
    expect(completeUrl(text)).toBe(text);
  });
});

describe("an origin", () => {
  test("is what a URL begins with", () => {
    expect(parseOrigin("https://A.example:443/path?q")).toBe("https://a.example");
    expect(parseOrigin("http://127.0.0.1:8080")).toBe("http://127.0.0.1:8080");
  });

  test.each(["", "a.example", "ftp://a/", "/path"])('refuses "%s"', (text) => {
    expect(() => parseOrigin(text)).toThrow(UsageProblem);
  });
});

describe("a proxy", () => {
  test.each([
    ["env", "env"],
    ["http://a:3128", "http://a:3128/"],
    ["a:3128", "http://a:3128/"],
    ["127.0.0.1:3128", "http://127.0.0.1:3128/"],
    ["ada:secret@a:3128", "http://ada:secret@a:3128/"],
    ["https://a", "https://a/"],
    ["socks5h://[::1]:1080", "socks5h://[::1]:1080"],
    ["socks4://a/", "socks4://a/"],
  ])("%s is %s", (text, proxy) => {
    expect(parseProxy(text)).toBe(proxy);
  });

  test.each(["", "ftp://a", "http://", "http://a/path", "http://a/?q", "socks6://a", "a:99999"])(
    'refuses "%s"',
    (text) => {
      expect(() => parseProxy(text)).toThrow(UsageProblem);
    },
  );
});
