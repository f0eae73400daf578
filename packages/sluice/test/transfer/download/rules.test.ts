/** The parts that decide and touch nothing: what is there, who fetches what, which version it is, what an answer means. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFieldDigests } from "../../../src/http/digest-fields.js";
import { sha256 } from "../../../src/platform/digest.js";
import { judgeAnswer } from "../../../src/transfer/download/answers/answer-rules.js";
import {
  compareVersions,
  firstCondition,
  hasStrongValidator,
  nextCondition,
  versionOfAnswer,
} from "../../../src/transfer/download/answers/remote-version.js";
import { Ramp } from "../../../src/transfer/download/segments/ramp.js";
import { WorkPlan } from "../../../src/transfer/download/segments/work-plan.js";
import { readControl, writeControl } from "../../../src/transfer/download/store/control-record.js";
import { Extents } from "../../../src/transfer/download/store/extents.js";
import { SpeedMeter } from "../../../src/transfer/speed-meter.js";

const KIB = 1024;
const MIB = 1024 * KIB;

describe("Extents", () => {
  const stretch = fc.tuple(fc.nat(60), fc.nat(60));

  test("are what a set of positions is, whatever is added and taken out", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), stretch), { maxLength: 12 }), (steps) => {
        const extents = new Extents();
        const model = new Set<number>();
        for (const [adds, [start, end]] of steps) {
          if (adds) extents.add(start, end);
          else extents.remove(start, end);
          for (let at = start; at < end; at += 1) {
            if (adds) model.add(at);
            else model.delete(at);
          }
        }
        const found = extents.list.flatMap(({ start, end }) =>
          Array.from({ length: end - start }, (_, at) => start + at),
        );
        expect(found).toEqual([...model].sort((a, b) => a - b));
        expect(extents.byteLength).toBe(model.size);
        expect(extents.covers(model.size)).toBe(model.size === 0 || Math.max(...model) === model.size - 1);
        const gap = extents.gapAfter(0, 60);
        const firstFree = Array.from({ length: 60 }, (_, at) => at).find((at) => !model.has(at));
        expect(gap?.start).toBe(firstFree);
      }),
    );
  });

  test("that touch are one", () => {
    expect(
      new Extents([
        { start: 5, end: 9 },
        { start: 0, end: 5 },
      ]).list,
    ).toEqual([{ start: 0, end: 9 }]);
  });
});

describe("WorkPlan", () => {
  test("claims cover what is missing and never overlap, however they are stolen", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(200), fc.nat(200)), { maxLength: 4 }),
        fc.integer({ min: 1, max: 16 }),
        fc.array(fc.nat(15), { maxLength: 40 }),
        (present, workers, steps) => {
          const size = 200 * 64 * KIB;
          const have = new Extents(
            present.map(([a, b]) => ({ start: Math.min(a, b) * 64 * KIB, end: Math.max(a, b) * 64 * KIB })),
          );
          const plan = new WorkPlan(have, size, 64 * KIB);
          const claims = Array.from({ length: workers }, () => plan.next()).filter((one) => one !== undefined);
          for (const step of steps) {
            const claim = claims[step % Math.max(1, claims.length)];
            if (claim === undefined) break;
            claim.position = Math.min(claim.end, claim.position + 3 * 64 * KIB);
            have.add(claim.written, claim.position);
            claim.written = claim.position;
            if (claim.position < claim.end) continue;
            plan.release(claim);
            const next = plan.next();
            if (next === undefined) claims.splice(claims.indexOf(claim), 1);
            else claims[claims.indexOf(claim)] = next;
          }
          const wanted = new Extents(have.list);
          let sum = have.byteLength;
          for (const { written, end } of plan.claims) {
            wanted.add(written, end);
            sum += end - written;
          }
          expect(sum).toBe(wanted.byteLength);
          for (let gap = plan.next(); gap !== undefined; gap = plan.next()) wanted.add(gap.position, gap.end);
          expect(wanted.covers(size)).toBe(true);
        },
      ),
    );
  });

  test("steals half of what would take longest, not of what is longest", () => {
    const plan = new WorkPlan(new Extents(), 100 * MIB, MIB);
    const fast = plan.next();
    const slow = plan.next();
    if (fast === undefined || slow === undefined) throw new Error("no claims");
    expect([fast.end, slow.position, slow.end]).toEqual([50 * MIB, 50 * MIB, 100 * MIB]);
    slow.position = 80 * MIB;
    fast.speed = 10 * MIB;
    slow.speed = MIB;
    expect(plan.next()).toMatchObject({ position: 90 * MIB, end: 100 * MIB });
    expect(slow.end).toBe(90 * MIB);
  });

  test("does not split what is not worth a connection, but for one that lags", () => {
    const plan = new WorkPlan(new Extents(), MIB, MIB);
    const only = plan.next();
    expect(plan.next()).toBeUndefined();
    if (only !== undefined) only.slow = true;
    expect(plan.next()).toMatchObject({ position: 512 * KIB, end: MIB });
  });

  test("a claim is lengthened over what is nobody's, and not over what is somebody's", () => {
    const plan = new WorkPlan(new Extents(), 8 * MIB, MIB);
    const first = plan.next();
    const second = plan.next();
    if (first === undefined || second === undefined) throw new Error("no claims");
    expect(plan.extend(first, 8 * MIB)).toBe(false);
    plan.release(second);
    expect(plan.extend(first, 6 * MIB)).toBe(true);
    expect(first.end).toBe(6 * MIB);
  });

  test("of a length that nobody knows there is one claim, without an end", () => {
    const plan = new WorkPlan(new Extents([{ start: 0, end: 10 }]), Number.POSITIVE_INFINITY, MIB);
    expect(plan.next()).toMatchObject({ position: 10, end: Number.POSITIVE_INFINITY });
    expect(plan.next()).toBeUndefined();
  });
});

describe("Ramp", () => {
  test("adds two while that pays, and stays where it did not", () => {
    const ramp = new Ramp(8);
    expect([10, 20, 40, 41, 100, 100].map((speed) => ramp.look(speed))).toEqual([2, 4, 6, 6, 6, 6]);
  });

  test("never passes its most, and looks away while nothing comes", () => {
    const ramp = new Ramp(3);
    expect([0, 0, 1, 2, 4, 8].map((speed) => ramp.look(speed))).toEqual([1, 1, 2, 3, 3, 3]);
    expect(new Ramp(1).look(100)).toBe(1);
  });
});

describe("versions", () => {
  const OLD = "Sun, 06 Nov 1994 08:49:37 GMT";
  const answer = (fields: Record<string, string>, size: number | null = 10) =>
    versionOfAnswer(new Headers({ date: "Sun, 06 Nov 1994 08:50:37 GMT", ...fields }), size ?? undefined);

  test.each([
    ["a strong tag", { etag: '"a"' }, true, "etag"],
    ["a weak tag", { etag: 'W/"a"' }, false, "none"],
    ["a tag that is none", { etag: "a" }, false, "none"],
    ["a date 60 s before the answer's", { "last-modified": OLD }, true, "date"],
    ["a date 59 s before the answer's", { "last-modified": "Sun, 06 Nov 1994 08:49:38 GMT" }, false, "none"],
    ["a weak tag and an old date", { etag: 'W/"a"', "last-modified": OLD }, true, "date"],
    ["nothing", {}, false, "none"],
  ] as const)("%s", (_name, fields, strong, condition) => {
    const version = answer(fields);
    expect(hasStrongValidator(version)).toBe(strong);
    expect(firstCondition(version)).toBe(condition);
  });

  test("after the tag the date is tried, then nothing, then no more", () => {
    const both = answer({ etag: '"a"', "last-modified": OLD });
    expect(nextCondition("etag", both)).toBe("date");
    expect(nextCondition("date", both)).toBe("none");
    expect(nextCondition("none", both)).toBeUndefined();
    expect(nextCondition("etag", answer({ etag: '"a"' }))).toBe("none");
  });

  test.each([
    ["the same tag", { etag: '"a"' }, { etag: '"a"' }, "same"],
    [
      "the same tag, another date",
      { etag: '"a"', "last-modified": OLD },
      { etag: '"a"', "last-modified": "x" },
      "same",
    ],
    [
      "another tag, the same date",
      { etag: '"a"', "last-modified": OLD },
      { etag: '"b"', "last-modified": OLD },
      "changed",
    ],
    ["the same weak tag", { etag: 'W/"a"' }, { etag: 'W/"a"' }, "unknown"],
    ["a tag that has become weak", { etag: '"a"' }, { etag: 'W/"a"' }, "unknown"],
    ["another weak tag", { etag: 'W/"a"' }, { etag: 'W/"b"' }, "changed"],
    ["no tag any more, the same date", { etag: '"a"', "last-modified": OLD }, { "last-modified": OLD }, "same"],
    ["another date", { "last-modified": OLD }, { "last-modified": "Mon, 07 Nov 1994 08:49:37 GMT" }, "changed"],
    ["nothing any more", { etag: '"a"' }, {}, "unknown"],
    ["nothing ever", {}, {}, "unknown"],
  ] as const)("%s: %s", (_name, known, found, expected) => {
    expect(compareVersions(answer(known), answer(found), false)).toBe(expected);
  });

  test("another size is another version whatever the tag; the same size is enough only where it is trusted", () => {
    expect(compareVersions(answer({ etag: '"a"' }, 10), answer({ etag: '"a"' }, 11), true)).toBe("changed");
    expect(compareVersions(answer({}, 10), answer({}, 10), false)).toBe("unknown");
    expect(compareVersions(answer({}, 10), answer({}, 10), true)).toBe("same");
    expect(compareVersions(answer({}, null), answer({}, null), true)).toBe("unknown");
  });
});

describe("what an answer means", () => {
  const judge = (status: number, fields: Record<string, string>, first = 100, end: number | undefined = 200) =>
    judgeAnswer({ status, headers: new Headers(fields) }, { first, end });

  test.each([
    ["all that was asked for", { "content-range": "bytes 100-199/1000" }, { start: 100, end: 200, skip: 0 }],
    ["less", { "content-range": "bytes 100-149/1000" }, { start: 100, end: 150, skip: 0 }],
    ["from a little earlier", { "content-range": "bytes 64-199/1000" }, { start: 64, end: 200, skip: 36 }],
    ["more at the end", { "content-range": "bytes 100-999/1000" }, { start: 100, end: 1_000, skip: 0 }],
    ["of a whole nobody knows", { "content-range": "bytes 100-199/*" }, { version: { size: undefined } }],
  ])("206 with %s is a part", (_name, fields, expected) => {
    expect(judge(206, fields)).toMatchObject({ kind: "part", ...expected });
  });

  test.each([
    ["no range", {}],
    ["two parts", { "content-type": "multipart/byteranges; boundary=a" }],
    ["a later beginning", { "content-range": "bytes 101-199/1000" }],
    ["an end before what was asked for", { "content-range": "bytes 0-99/1000" }],
    ["another unit", { "content-range": "items 100-199/1000" }],
    ["an end beyond the whole", { "content-range": "bytes 100-199/150" }],
    ["a length of its own", { "content-range": "bytes 100-199/1000", "content-length": "99" }],
    ["a coding", { "content-range": "bytes 100-199/1000", "content-encoding": "br" }],
  ])("206 with %s is refused", (_name, fields) => {
    expect(judge(206, fields).kind).toBe("refused");
  });

  test("an earlier beginning is read past up to 1 MiB, and not a byte more", () => {
    const fields = { "content-range": `bytes 0-${3 * MIB}/${4 * MIB}` };
    expect(judge(206, fields, MIB, undefined).kind).toBe("part");
    expect(judge(206, fields, MIB + 1, undefined).kind).toBe("refused");
  });

  test.each([
    [200, "whole"],
    [203, "whole"],
    [416, "beyond"],
    [304, "condition"],
    [412, "condition"],
    [429, "later"],
    [500, "later"],
    [503, "later"],
    [501, "failed"],
    [505, "failed"],
    [403, "expired"],
    [404, "failed"],
    [204, "failed"],
    [301, "failed"],
  ])("%i: %s", (status, kind) => {
    expect(judge(status, {}).kind).toBe(kind);
  });

  test("the length of coded content is not the file's", () => {
    expect(judge(200, { "content-length": "10", "content-encoding": "gzip" })).toMatchObject({
      coded: true,
      version: { size: undefined },
    });
  });
});

describe("the record", () => {
  const record = {
    version: { etag: '"a"', lastModified: "then", dateIsStrong: true, size: 100 },
    trustSize: false,
    extents: new Extents([
      { start: 0, end: 10 },
      { start: 20, end: 30 },
    ]),
  };
  const text = writeControl(record, sha256);

  test("is read as it was written", () => {
    expect(readControl(text, sha256)).toEqual(record);
  });

  test("that is cut, or changed in any byte, is none", () => {
    for (let at = 0; at < text.length; at += 1) {
      expect(readControl(text.slice(0, at), sha256), `cut at ${at}`).toBeUndefined();
      const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
      expect(readControl(changed, sha256), `changed at ${at}`).toBeUndefined();
    }
  });

  test.each([
    { format: "sluice-download/2" },
    { extents: [[0, 101]] },
    { extents: [[0, -1]] },
    { extents: "all" },
    { size: 1.5 },
    { etag: 7 },
  ])("with %o is none, although its digest is right", (change) => {
    const content = JSON.stringify({ ...(JSON.parse(text.split("\n")[0] ?? "") as object), ...change });
    expect(readControl(`${content}\n${sha256(content)}\n`, sha256)).toBeUndefined();
  });
});

describe("digest fields", () => {
  const SHA256 = `${"A".repeat(43)}=`;

  test.each([
    [`sha-256=:${SHA256}:`, [["sha-256", SHA256]]],
    [`md5=:AAAA:, sha-256=:${SHA256}:;q=1`, [["sha-256", SHA256]]],
    ["sha-256=:AAAA:", []],
    [`sha-256=${SHA256}`, []],
    ["sha-512=:!!!:", []],
    [null, []],
  ])("%s", (value, expected) => {
    expect([...readFieldDigests(value)]).toEqual(expected);
  });
});

describe("SpeedMeter", () => {
  test("is the first stretch, then an average that forgets, and falls while nothing comes", () => {
    const meter = new SpeedMeter(0);
    meter.add(1_000);
    expect(meter.at(1_000)).toBe(1_000);
    meter.add(3_000);
    const risen = meter.at(2_000);
    expect(risen).toBeGreaterThan(1_500);
    expect(risen).toBeLessThan(3_000);
    expect(meter.at(12_000)).toBeLessThan(risen / 50);
  });
});
