import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Conditions,
  evaluateConditions,
  isRangeFresh,
  readConditions,
  type Validators,
} from "../../src/http/conditional.js";
import { formatHttpDate } from "../../src/http/dates.js";

const CHANGED = Date.UTC(2024, 4, 1, 12, 0, 0, 250);
const SECOND = 1_000;
const CURRENT: Validators = { etag: '"v2"', lastModified: CHANGED };
const AT = formatHttpDate(CHANGED);
const BEFORE = formatHttpDate(CHANGED - SECOND);
const AFTER = formatHttpDate(CHANGED + SECOND);

function get(conditions: Conditions, current: Validators | undefined = CURRENT): string {
  return evaluateConditions("GET", conditions, current);
}

function put(conditions: Conditions, current: Validators | undefined = CURRENT): string {
  return evaluateConditions("PUT", conditions, current);
}

describe("If-Match (RFC 9110 §13.1.1)", () => {
  test("lets through what names the current tag, strongly", () => {
    expect(put({ ifMatch: '"v2"' })).toBe("proceed");
    expect(put({ ifMatch: '"v1", "v2"' })).toBe("proceed");
    expect(put({ ifMatch: '"v1"' })).toBe("failed");
    expect(put({ ifMatch: 'W/"v2"' })).toBe("failed");
    expect(put({ ifMatch: 'W/"v2"' }, { etag: 'W/"v2"' })).toBe("failed");
    expect(put({ ifMatch: '"v2"' }, { etag: 'W/"v2"' })).toBe("failed");
  });

  test('with "*" asks only that there is something', () => {
    expect(put({ ifMatch: "*" })).toBe("proceed");
    expect(put({ ifMatch: " * " }, {})).toBe("proceed");
    expect(evaluateConditions("PUT", { ifMatch: "*" }, undefined)).toBe("failed");
  });

  test("fails rather than guesses: malformed, or of a thing without a tag", () => {
    for (const ifMatch of ["", "v2", '"v2', "w/", '"v2" "v2"']) expect(put({ ifMatch })).toBe("failed");
    expect(put({ ifMatch: '"v2"' }, { lastModified: CHANGED })).toBe("failed");
    expect(evaluateConditions("PUT", { ifMatch: '"v2"' }, undefined)).toBe("failed");
  });

  test("goes before If-Unmodified-Since, which is not looked at then (§13.2.2 step 1)", () => {
    expect(put({ ifMatch: '"v2"', ifUnmodifiedSince: BEFORE })).toBe("proceed");
    expect(put({ ifMatch: '"v1"', ifUnmodifiedSince: AFTER })).toBe("failed");
  });

  test("holds for GET too, and If-None-Match is asked after it (§13.2.2 step 3)", () => {
    expect(get({ ifMatch: '"v1"', ifNoneMatch: '"v2"' })).toBe("failed");
    expect(get({ ifMatch: '"v2"', ifNoneMatch: '"v2"' })).toBe("not-modified");
  });
});

describe("If-Unmodified-Since (RFC 9110 §13.1.4)", () => {
  test("fails for what changed later, in whole seconds", () => {
    expect(put({ ifUnmodifiedSince: BEFORE })).toBe("failed");
    expect(put({ ifUnmodifiedSince: AT })).toBe("proceed");
    expect(put({ ifUnmodifiedSince: AFTER })).toBe("proceed");
  });

  test("is passed over when it is no date, or no date is known", () => {
    expect(put({ ifUnmodifiedSince: "yesterday" })).toBe("proceed");
    expect(put({ ifUnmodifiedSince: BEFORE }, { etag: '"v2"' })).toBe("proceed");
    expect(evaluateConditions("PUT", { ifUnmodifiedSince: BEFORE }, undefined)).toBe("proceed");
  });

  test("goes before If-None-Match (§13.2.2 step 2)", () => {
    expect(get({ ifUnmodifiedSince: BEFORE, ifNoneMatch: '"v2"' })).toBe("failed");
    expect(get({ ifUnmodifiedSince: AT, ifNoneMatch: '"v2"' })).toBe("not-modified");
  });
});

describe("If-None-Match (RFC 9110 §13.1.2)", () => {
  test("is 304 for a reader who has the current one, strong or weak", () => {
    for (const ifNoneMatch of ['"v2"', 'W/"v2"', '"v1","v2"', '"a,b" , W/"v2",', "*"]) {
      expect(get({ ifNoneMatch })).toBe("not-modified");
      expect(evaluateConditions("HEAD", { ifNoneMatch }, CURRENT)).toBe("not-modified");
      expect(put({ ifNoneMatch })).toBe("failed");
    }
    expect(get({ ifNoneMatch: '"v2"' }, { etag: 'W/"v2"' })).toBe("not-modified");
  });

  test("goes through for anything else", () => {
    for (const ifNoneMatch of ['"v1"', "", "v2", '"v2', 'w/"v2"', '"V2"', '"v1,"v2""']) {
      expect(get({ ifNoneMatch })).toBe("proceed");
    }
    expect(put({ ifNoneMatch: '"v1"' })).toBe("proceed");
    expect(get({ ifNoneMatch: '"v2"' }, { lastModified: CHANGED })).toBe("proceed");
  });

  test('with "*" lets a PUT create, not replace', () => {
    expect(evaluateConditions("PUT", { ifNoneMatch: "*" }, undefined)).toBe("proceed");
    expect(put({ ifNoneMatch: "*" }, {})).toBe("failed");
  });

  test("has If-Modified-Since passed over (§13.1.3)", () => {
    expect(get({ ifNoneMatch: '"v1"', ifModifiedSince: AFTER })).toBe("proceed");
    expect(get({ ifNoneMatch: '"v2"', ifModifiedSince: BEFORE })).toBe("not-modified");
  });
});

describe("If-Modified-Since (RFC 9110 §13.1.3)", () => {
  test("is 304 for what did not change later, in whole seconds", () => {
    expect(get({ ifModifiedSince: BEFORE })).toBe("proceed");
    expect(get({ ifModifiedSince: AT })).toBe("not-modified");
    expect(get({ ifModifiedSince: AFTER })).toBe("not-modified");
    expect(get({ ifModifiedSince: ` ${AT}` })).toBe("not-modified");
  });

  test("is passed over when it is no date, the method is another, or no date is known", () => {
    for (const ifModifiedSince of ["", "yesterday", `${AT}, ${AT}`]) expect(get({ ifModifiedSince })).toBe("proceed");
    expect(put({ ifModifiedSince: AT })).toBe("proceed");
    expect(get({ ifModifiedSince: AT }, { etag: '"v2"' })).toBe("proceed");
  });
});

describe("If-Range (RFC 9110 §13.1.5)", () => {
  const NOW = CHANGED + 60 * SECOND;

  test("without it, ranges are served", () => {
    expect(isRangeFresh(undefined, {}, NOW)).toBe(true);
  });

  test("with a tag, serves them only for the very same bytes", () => {
    expect(isRangeFresh('"v2"', CURRENT, NOW)).toBe(true);
    expect(isRangeFresh(' "v2"\t', CURRENT, NOW)).toBe(true);
    for (const other of ['"v1"', 'W/"v2"', "*", '"v1", "v2"', "v2", ""]) {
      expect(isRangeFresh(other, CURRENT, NOW)).toBe(false);
    }
    expect(isRangeFresh('W/"v2"', { etag: 'W/"v2"' }, NOW)).toBe(false);
    expect(isRangeFresh('"v2"', { lastModified: CHANGED }, NOW)).toBe(false);
  });

  test("with a date, serves them only if it is exactly the one", () => {
    expect(isRangeFresh(AT, CURRENT, NOW)).toBe(true);
    expect(isRangeFresh(BEFORE, CURRENT, NOW)).toBe(false);
    expect(isRangeFresh(AFTER, CURRENT, NOW)).toBe(false);
    expect(isRangeFresh(AT, { etag: '"v2"' }, NOW)).toBe(false);
  });

  test("a date counts only once its second is over: the thing may change again within it (§8.8.2.2)", () => {
    const second = Math.floor(CHANGED / SECOND) * SECOND;
    expect(isRangeFresh(AT, CURRENT, second + SECOND - 1)).toBe(false);
    expect(isRangeFresh(AT, CURRENT, second + SECOND)).toBe(true);
  });
});

describe("readConditions", () => {
  test("finds them among the other lines, whatever their case", () => {
    expect(readConditions(["Host", "a", "Accept", "*/*", "Idempotency-Key", "1", "ii-x", "2"])).toBeUndefined();
    expect(readConditions(["IF-MATCH", "*", "if-none-match", '"a"', "If-Range", '"b"'])).toEqual({
      ifMatch: "*",
      ifNoneMatch: '"a"',
      ifRange: '"b"',
    });
  });

  test("joins several lines of one name, which leaves two dates malformed", () => {
    const conditions = readConditions(["If-None-Match", '"v1"', "If-None-Match", '"v2"', "If-Modified-Since", AT]);
    expect(conditions).toEqual({ ifNoneMatch: '"v1", "v2"', ifModifiedSince: AT });
    const twice = readConditions(["If-Modified-Since", AT, "If-Modified-Since", AFTER]) ?? {};
    expect(get(twice)).toBe("proceed");
  });
});

describe("all together", () => {
  const DATE = fc.constantFrom(undefined, BEFORE, AT, AFTER, "never");
  const TAGS = fc.constantFrom(undefined, "*", '"v1"', '"v2"', 'W/"v2"', '"v1", "v2"', "nonsense");

  test("a request is refused or spared only by a condition that it makes, and reading alone is spared", () => {
    const conditions = fc.record({ ifMatch: TAGS, ifNoneMatch: TAGS, ifModifiedSince: DATE, ifUnmodifiedSince: DATE });
    fc.assert(
      fc.property(
        fc.constantFrom("GET", "HEAD", "PUT", "DELETE"),
        conditions,
        fc.boolean(),
        (method, asked, exists) => {
          const verdict = evaluateConditions(method, asked, exists ? CURRENT : undefined);
          const reading = method === "GET" || method === "HEAD";
          if (verdict === "not-modified") {
            expect(reading).toBe(true);
            expect(asked.ifNoneMatch ?? asked.ifModifiedSince).toBeDefined();
          }
          if (verdict === "failed") {
            expect(asked.ifMatch ?? asked.ifUnmodifiedSince ?? (reading ? undefined : asked.ifNoneMatch)).toBeDefined();
          }
        },
      ),
    );
  });
});
