/** Servers that are wrong about ranges: the right bytes, or a clear error; never a file that is mixed or short. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { isSluiceError } from "../../../src/index.js";
import { fileVersion, type HostileServer, noise, type Part, type Switches } from "../hostile-server.js";
import {
  begin,
  downloadTests,
  expectRightOrNothing,
  folderContent,
  inFolder,
  type Outcome,
  restarts,
  run,
  sameBytes,
  serve,
} from "./support.js";

downloadTests();

const SIZE = 300_000;
const OLD = fileVersion(noise(SIZE, "old"));
const NEW = fileVersion(noise(SIZE, "new"));
const LONG = fileVersion(noise(3 * SIZE, "long"));
const FRESH_DATE = new Date().toUTCString();
/** Small enough that a file of this size is worth several. */
const SEGMENTS = { segments: 4, minSegmentSize: 64 * 1024 } as const;

/** Runs once until the connection breaks, so that something is left, and again when `between` has been done. */
async function interrupted(
  switches: Partial<Switches>,
  {
    cutAt = 100_000,
    version = OLD,
    options = {},
    between = () => undefined as unknown,
  }: {
    cutAt?: number;
    version?: typeof OLD;
    options?: Parameters<typeof run>[2];
    between?: (server: Awaited<ReturnType<typeof serve>>) => unknown;
  } = {},
): Promise<{ outcome: Outcome; server: Awaited<ReturnType<typeof serve>> }> {
  let broken = true;
  const server = await serve(version, {
    ...switches,
    cut: (n, request) => (broken ? cutAt : switches.cut?.(n, request)),
  });
  const first = await run(server.url, inFolder("file"), { ...options, attempts: 1 });
  expect(first.result).toBeUndefined();
  expect(existsSync(inFolder("file"))).toBe(false);
  broken = false;
  between(server);
  server.asked.length = 0;
  return { outcome: await run(server.url, inFolder("file"), options), server };
}

describe("a server that does what it should", () => {
  test.each([1, 2, 4, 16, "auto"] as const)("with %s segments: whole, one name, nothing left", async (segments) => {
    const server = await serve(OLD);
    const outcome = await run(server.url, inFolder("file"), { ...SEGMENTS, segments });
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
    expect(folderContent()).toEqual(["file"]);
  });

  test("as many segments as were asked for, where the file is long enough", async () => {
    const server = await serve(LONG);
    const outcome = await run(server.url, inFolder("file"), SEGMENTS);
    expect(outcome.result?.segments).toBe(4);
    expect(outcome.events).toContainEqual({ type: "segments", count: 4 });
  });

  test("the first request asks for all as a range, without coding, and is a GET", async () => {
    const server = await serve(OLD);
    await run(server.url, inFolder("file"));
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]).toMatchObject({ method: "GET", range: "bytes=0-", ifRange: undefined });
    expect(server.asked[0]?.headers["accept-encoding"]).toBe("identity");
  });

  test("every later segment has a range and If-Range with the strong tag", async () => {
    const server = await serve(LONG);
    await run(server.url, inFolder("file"), SEGMENTS);
    expect(server.asked.length).toBeGreaterThan(3);
    for (const { range, ifRange } of server.asked.slice(1)) {
      expect(range).toMatch(/^bytes=\d+-\d+$/);
      expect(ifRange).toBe(LONG.etag);
    }
  });

  test("what is left of an interrupted run is asked for with If-Range, and only that", async () => {
    const { outcome, server } = await interrupted({});
    expect(outcome.result).toMatchObject({ status: "complete", resumedBytes: 100_000, restarts: [] });
    expect(server.asked.map(({ range, ifRange }) => [range, ifRange])).toEqual([["bytes=100000-299999", OLD.etag]]);
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test.each([0, 1, 65_536])("an empty or tiny file of %i bytes", async (size) => {
    const tiny = fileVersion(noise(size));
    const server = await serve(tiny);
    const outcome = await run(server.url, inFolder("file"), SEGMENTS);
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), tiny.content)).toBe(true);
  });
});

describe("the file has changed between two runs", () => {
  const OTHER_DATE = "Mon, 07 Nov 1994 08:49:37 GMT";
  const cases = [
    ["by its tag", {}, {}],
    ["by its date, without tags", { etag: undefined }, { etag: undefined, lastModified: OTHER_DATE }],
    ["by its date, with a weak tag that stays", { etag: 'W/"x"' }, { etag: 'W/"x"', lastModified: OTHER_DATE }],
    [
      "with neither tag nor date",
      { etag: undefined, lastModified: undefined },
      { etag: undefined, lastModified: undefined },
    ],
    [
      "with a date too fresh to trust",
      { etag: undefined, lastModified: FRESH_DATE },
      { etag: undefined, lastModified: FRESH_DATE },
    ],
    ["with a weak tag alone", { etag: 'W/"a"', lastModified: undefined }, { etag: 'W/"a"', lastModified: undefined }],
  ] as const;
  const servers = [
    ["that honours If-Range", {}],
    ["that passes If-Range over", { ifRange: "ignored" }],
    ["that ignores ranges", { ranges: "ignored" }],
    ["that forbids ranges", { ranges: "forbidden" }],
    ["whose 206 have no validators", { silentParts: true, ifRange: "ignored" }],
  ] as const satisfies readonly (readonly [string, Partial<Switches>])[];

  describe.each(cases)("%s", (_how, before, after) => {
    test.each(servers)("at a server %s: the new file, whole", async (_name, switches) => {
      const changed = fileVersion(noise(SIZE, "new"), after);
      const { outcome } = await interrupted(switches, {
        version: fileVersion(noise(SIZE, "old"), before),
        between: (server) => {
          server.version = changed;
        },
      });
      expect(outcome.error).toBeUndefined();
      expect(sameBytes(inFolder("file"), changed.content)).toBe(true);
    });

    test.each(servers)("several segments, at a server %s: the new file, whole", async (_name, switches) => {
      const changed = fileVersion(noise(SIZE, "new"), after);
      const { outcome } = await interrupted(switches, {
        cutAt: 30_000,
        options: SEGMENTS,
        version: fileVersion(noise(SIZE, "old"), before),
        between: (server) => {
          server.version = changed;
        },
      });
      expect(outcome.error).toBeUndefined();
      expect(sameBytes(inFolder("file"), changed.content)).toBe(true);
    });
  });

  test.each([SIZE - 1, SIZE + 1, 1, 0])("to %i bytes: the new file, whole", async (size) => {
    const changed = fileVersion(noise(size, "new"));
    const { outcome } = await interrupted(
      {},
      {
        between: (server) => {
          server.version = changed;
        },
      },
    );
    expect(outcome.error).toBeUndefined();
    expect(restarts(outcome)).toContain("changed");
    expect(sameBytes(inFolder("file"), changed.content)).toBe(true);
  });

  test("nothing is gone on with where nothing shows that it is the same, and the reason is told", async () => {
    const { outcome, server } = await interrupted(
      {},
      {
        version: fileVersion(noise(SIZE), { etag: undefined, lastModified: undefined }),
      },
    );
    // There is no record of bytes that nobody could have gone on with.
    expect(server.asked[0]?.range).toBe("bytes=0-");
    expect(outcome.result?.resumedBytes).toBe(0);
  });

  test("with trustSize the size alone is enough", async () => {
    const { outcome } = await interrupted(
      {},
      {
        version: fileVersion(noise(SIZE), { etag: undefined, lastModified: undefined }),
        options: { trustSize: true },
      },
    );
    expect(outcome.result?.resumedBytes).toBe(100_000);
    expect(sameBytes(inFolder("file"), noise(SIZE))).toBe(true);
  });

  test("with trustSize another size is still another file", async () => {
    const none = { etag: undefined, lastModified: undefined };
    const changed = fileVersion(noise(SIZE + 1, "new"), none);
    const { outcome } = await interrupted(
      {},
      {
        version: fileVersion(noise(SIZE), none),
        options: { trustSize: true },
        between: (server) => {
          server.version = changed;
        },
      },
    );
    expect(restarts(outcome)).toContain("changed");
    expect(sameBytes(inFolder("file"), changed.content)).toBe(true);
  });
});

describe("the file changes while it is downloaded", () => {
  test.each([1, 4])("with %i segments, at whichever request: one version, whole", async (segments) => {
    for (const at of [2, 3, 4, 5]) {
      const server = await serve(OLD, { cut: (n) => (n < 4 ? 20_000 : undefined) });
      server.switches.instead = (n) => {
        if (n === at) server.version = NEW;
        return false;
      };
      const path = inFolder(`file-${at}`);
      const outcome = await run(server.url, path, { ...SEGMENTS, segments });
      expect(outcome.error).toBeUndefined();
      expectRightOrNothing(outcome, path, OLD, NEW);
    }
  });

  test("again and again: the download gives up and says so, or has one version whole", async () => {
    let version = 0;
    const server = await serve(OLD, { cut: () => 50_000 });
    server.switches.instead = () => {
      version += 1;
      server.version = fileVersion(noise(SIZE, `v${version}`));
      return false;
    };
    const outcome = await run(server.url, inFolder("file"), { attempts: 4 });
    expect(outcome.error).toMatchObject({ code: "download/unstable" });
    expect(existsSync(inFolder("file"))).toBe(false);
  });
});

describe("answers to ranges that are wrong", () => {
  const parts: readonly Part[] = [
    "from-earlier",
    "from-much-earlier",
    "from-later",
    "shorter",
    "longer",
    "short-of-its-word",
    "wrong-total",
    "no-content-range",
    "length-contradicts",
    "multipart",
    "gzip",
    "unit",
  ];

  test.each(parts)("%s, from the first answer on: the right file", async (part) => {
    const server = await serve(OLD, { part });
    const outcome = await run(server.url, inFolder("file"), { ...SEGMENTS, attempts: 4 });
    expect(outcome.error).toBeUndefined();
    expectRightOrNothing(outcome, inFolder("file"), OLD);
  });

  test.each(parts)("%s, only for later segments: the right file", async (part) => {
    const server = await serve(OLD, { part, lateParts: true });
    const outcome = await run(server.url, inFolder("file"), { ...SEGMENTS, attempts: 4 });
    expect(outcome.error).toBeUndefined();
    expectRightOrNothing(outcome, inFolder("file"), OLD);
  });

  test.each(parts)("%s, to what is gone on with: the right file", async (part) => {
    const { outcome } = await interrupted({ part, lateParts: true }, { cutAt: 100_001 });
    expect(outcome.error).toBeUndefined();
    expectRightOrNothing(outcome, inFolder("file"), OLD);
  });

  test.each(parts)("%s, with the file changed in between and no If-Range: the new file", async (part) => {
    const { outcome } = await interrupted(
      { part, lateParts: true, ifRange: "ignored" },
      {
        between: (server) => {
          server.version = NEW;
        },
      },
    );
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), NEW.content)).toBe(true);
  });

  test("an answer that begins a little earlier is used, without what was not asked for", async () => {
    const { outcome } = await interrupted({ part: "from-earlier", lateParts: true });
    expect(outcome.result).toMatchObject({ resumedBytes: 100_000, restarts: [] });
  });

  test("less than was asked for is taken, and the rest asked for", async () => {
    const server = await serve(OLD, { part: "shorter" });
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.result?.restarts).toEqual([]);
    expect(server.asked.length).toBeGreaterThan(5);
  });
});

describe("conditions that servers do not like", () => {
  test("If-Range with a tag gets the whole: the date is tried, and it goes on", async () => {
    const { outcome, server } = await interrupted({ ifRange: "hates-tags" });
    expect(outcome.result).toMatchObject({ resumedBytes: 100_000, restarts: [] });
    expect(server.asked.map(({ ifRange }) => ifRange)).toEqual([OLD.etag, OLD.lastModified]);
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test("any If-Range gets the whole: without one, and the tag of the answer decides", async () => {
    const { outcome, server } = await interrupted({ ifRange: "hated" });
    expect(outcome.result).toMatchObject({ resumedBytes: 100_000, restarts: [] });
    expect(server.asked.map(({ ifRange }) => ifRange)).toEqual([OLD.etag, OLD.lastModified, undefined]);
  });

  test("any If-Range gets the whole, and the file has changed: anew", async () => {
    const { outcome } = await interrupted(
      { ifRange: "hated" },
      {
        between: (server) => {
          server.version = NEW;
        },
      },
    );
    expect(restarts(outcome)).toEqual(["changed"]);
    expect(sameBytes(inFolder("file"), NEW.content)).toBe(true);
  });

  test.each([1, 4])(
    "a tag of its own for each answer, %i segments: the right file, in the end without ranges",
    async (segments) => {
      const server = await serve(OLD, { rotatingTags: true, cut: (n) => (n < 3 ? 50_000 : undefined) });
      const outcome = await run(server.url, inFolder("file"), { ...SEGMENTS, segments });
      expect(outcome.error).toBeUndefined();
      expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
    },
  );

  test("a tag of its own for each answer, and If-Range passed over: the right file", async () => {
    const server = await serve(OLD, { rotatingTags: true, ifRange: "ignored" });
    const outcome = await run(server.url, inFolder("file"), SEGMENTS);
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test.each([304, 412])("a %i to what is gone on with: anew, and the right file", async (status) => {
    const { outcome } = await interrupted(
      {},
      {
        between: (server) => {
          server.switches.instead = (_n, request, response) => {
            if (request.headers["if-range"] === undefined) return false;
            response.writeHead(status).end();
            return true;
          };
        },
      },
    );
    expect(outcome.error).toBeUndefined();
    expect(restarts(outcome)).toContain("changed");
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });
});

describe("the end of the file", () => {
  test.each(["told", "silent"] as const)("unknown length, all there, 416 (%s): complete", async (beyond) => {
    const server = await serve(OLD, { beyond, framing: "chunked" });
    server.switches.instead = (_n, request, response) => {
      const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
      const first = Number(match?.[1] ?? 0);
      if (first >= SIZE) return false;
      const last = Math.min(first + 100_000, SIZE) - 1;
      response.writeHead(206, { "content-range": `bytes ${first}-${last}/*`, etag: OLD.etag ?? "" });
      response.end(OLD.content.subarray(first, last + 1));
      return true;
    };
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
    expect(server.asked.at(-1)?.range).toBe(`bytes=${SIZE}-`);
  });

  /** Ends the run when all has come and nothing is in its place yet. */
  async function allButTheLastStep(server: HostileServer): Promise<void> {
    const controller = new AbortController();
    const reason = new Error("enough");
    const task = begin(server.url, inFolder("file"), {
      signal: controller.signal,
      checksum: { sha256: createHash("sha256").update(OLD.content).digest("hex") },
      onEvent: ({ type }) => {
        if (type === "verifying") controller.abort(reason);
      },
    });
    await expect(task.result).rejects.toBe(reason);
    expect(folderContent()).toEqual(["file.part", "file.part.json"]);
    server.asked.length = 0;
  }

  test("everything is there but its last step: one byte is asked for, and it is complete", async () => {
    const server = await serve(OLD);
    await allButTheLastStep(server);
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.result).toMatchObject({ resumedBytes: SIZE - 1 });
    expect(server.asked.map(({ range }) => range)).toEqual([`bytes=${SIZE - 1}-${SIZE - 1}`]);
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test("everything is there, and the file has changed: the new one", async () => {
    const server = await serve(OLD);
    await allButTheLastStep(server);
    server.version = NEW;
    const outcome = await run(server.url, inFolder("file"));
    expect(sameBytes(inFolder("file"), NEW.content)).toBe(true);
    expect(restarts(outcome)).toEqual(["changed"]);
  });

  test("the whole in chunks, without a length: complete at the last chunk", async () => {
    const server = await serve(OLD, { ranges: "ignored", framing: "chunked" });
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test("the whole in chunks that break off: anew, and the right file", async () => {
    const server = await serve(OLD, {
      ranges: "ignored",
      framing: "chunked",
      cut: (n) => (n < 3 ? 70_000 : undefined),
    });
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test("the end is that of the connection: refused, unless that is allowed, or a checksum proves it", async () => {
    const server = await serve(OLD, { ranges: "ignored", framing: "connection" });
    const refused = await run(server.url, inFolder("file"));
    expect(refused.error).toMatchObject({ code: "download/unknown-end" });
    expect(folderContent()).toEqual([]);
    expect((await run(server.url, inFolder("file"), { allowUnknownEnd: true })).error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });
});

describe("codings that nobody asked for", () => {
  test("the whole with gzip is decoded, at whatever length", async () => {
    const server = await serve(OLD, { gzip: true, ranges: "ignored" });
    const outcome = await run(server.url, inFolder("file"), SEGMENTS);
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test("the whole with gzip that breaks off begins anew", async () => {
    const server = await serve(OLD, { gzip: true, ranges: "ignored", cut: (n) => (n < 3 ? 100_000 : undefined) });
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test("coded bytes that are kept so are not gone on with by those of the file, though both have the same tag", async () => {
    const server = await serve(OLD, { gzip: true, ranges: "ignored", cut: (n) => (n === 1 ? 100_000 : undefined) });
    server.switches.instead = (n) => {
      if (n > 1) server.switches.ranges = "honoured";
      return false;
    };
    const outcome = await run(server.url, inFolder("file"), { decode: false });
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test("with `decode: false` it is saved as it came", async () => {
    const server = await serve(OLD, { gzip: true, ranges: "ignored" });
    const outcome = await run(server.url, inFolder("file"), { decode: false });
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(false);
    expect(sameBytes(inFolder("file"), gzipSync(OLD.content))).toBe(true);
  });
});

describe("statuses", () => {
  test.each([400, 404, 500, 501])("%i for everything: that error, and no file", async (status) => {
    const server = await serve(OLD, {
      instead: (_n, _request, response) => {
        response.writeHead(status).end("<html>an error page</html>");
        return true;
      },
    });
    const outcome = await run(server.url, inFolder("file"), { attempts: 2 });
    expect(outcome.error).toMatchObject({ code: "response.status", status });
    expect(folderContent()).toEqual([]);
  });

  test.each([204, 205, 300])("%i is no file", async (status) => {
    const server = await serve(OLD, {
      instead: (_n, _request, response) => {
        response.writeHead(status).end();
        return true;
      },
    });
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.error).toMatchObject({ code: "download/bad-answer" });
    expect(folderContent()).toEqual([]);
  });

  test.each([416, 501, 400])("%i to a range, and the file without one: the file", async (status) => {
    const server = await serve(OLD, {
      instead: (_n, request, response) => {
        if (request.headers.range === undefined) return false;
        response.writeHead(status).end("no ranges here");
        return true;
      },
    });
    const outcome = await run(server.url, inFolder("file"), SEGMENTS);
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test.each([408, 425, 429, 500, 502, 503, 504])("%i for a while: tried again, and the file", async (status) => {
    const server = await serve(OLD, {
      instead: (n, _request, response) => {
        if (n > 3) return false;
        response.writeHead(status).end();
        return true;
      },
    });
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.error).toBeUndefined();
    expect(outcome.events.filter(({ type }) => type === "retry")).toHaveLength(3);
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });

  test.each([429, 503])("%i with Retry-After: waits so long, by the letter", async (status) => {
    const server = await serve(OLD, {
      instead: (_n, _request, response) => {
        response.writeHead(status, { "retry-after": "7" }).end();
        return true;
      },
    });
    const controller = new AbortController();
    const reason = new Error("enough");
    const waits: number[] = [];
    const task = begin(server.url, inFolder("file"), {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type !== "retry") return;
        waits.push(event.wait);
        controller.abort(reason);
      },
    });
    await expect(task.result).rejects.toBe(reason);
    expect(waits).toEqual([7_000]);
  });

  test("a Retry-After beyond the longest wait ends it at once", async () => {
    const server = await serve(OLD, {
      instead: (_n, _request, response) => {
        response.writeHead(503, { "retry-after": "301" }).end();
        return true;
      },
    });
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.error).toMatchObject({ code: "response.status", status: 503 });
    expect(outcome.events).toEqual([{ type: "target", path: inFolder("file") }]);
  });

  test("503 to more connections than it likes: fewer segments, and the file", async () => {
    let open = 0;
    const server = await serve(OLD, {
      drip: { every: 1, bytes: 10_000 },
      instead: (_n, _request, response) => {
        if (open >= 2) {
          response.writeHead(503).end();
          return true;
        }
        open += 1;
        response.on("close", () => {
          open -= 1;
        });
        return false;
      },
    });
    const outcome = await run(server.url, inFolder("file"), SEGMENTS);
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });
});

describe("breaking off", () => {
  const small = fileVersion(noise(2_000));
  const shrunk = fileVersion(noise(1_500, "new"));

  test("after any byte, again and again: the right file", async () => {
    for (let cutAt = 0; cutAt <= 2_000; cutAt += cutAt < 5 || cutAt > 1_994 ? 1 : 97) {
      const server = await serve(small, { cut: (n) => (n < 3 ? cutAt : undefined) });
      const path = inFolder(`file-${cutAt}`);
      const outcome = await run(server.url, path);
      expect(outcome.error, `cut after ${cutAt}`).toBeUndefined();
      expect(sameBytes(path, small.content), `cut after ${cutAt}`).toBe(true);
    }
  });

  test("after any byte, and the file another one then: the new one", async () => {
    for (let cutAt = 0; cutAt <= 2_000; cutAt += cutAt < 5 || cutAt > 1_994 ? 1 : 97) {
      const server = await serve(small, { cut: (n) => (n === 1 ? cutAt : undefined) });
      server.switches.instead = (n) => {
        if (n === 2) server.version = shrunk;
        return false;
      };
      const path = inFolder(`file-${cutAt}`);
      const outcome = await run(server.url, path);
      expect(outcome.error, `cut after ${cutAt}`).toBeUndefined();
      expect(sameBytes(path, shrunk.content), `cut after ${cutAt}`).toBe(true);
    }
  });

  test("without a byte between: the tries are counted, and what was there before stays", async () => {
    const server = await serve(OLD, { cut: (n) => (n === 1 ? 100_000 : 0) });
    const outcome = await run(server.url, inFolder("file"), { attempts: 4 });
    expect(isSluiceError(outcome.error)).toBe(true);
    // Four tries without a byte, the first of which was the second request.
    expect(server.asked).toHaveLength(4);
    expect(folderContent()).toEqual(["file.part", "file.part.json"]);
  });

  test("with a byte each time: goes on for ever, because it gets there", async () => {
    const server = await serve(small, { cut: () => 150 });
    const outcome = await run(server.url, inFolder("file"), { attempts: 2 });
    expect(outcome.error).toBeUndefined();
    expect(server.asked.length).toBeGreaterThanOrEqual(14);
    expect(sameBytes(inFolder("file"), small.content)).toBe(true);
  });

  test("drop by drop: slow, and whole", async () => {
    const server = await serve(small, { drip: { every: 2, bytes: 100 } });
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder("file"), small.content)).toBe(true);
  });

  test("silence is no progress: after `stallTimeout` the rest is asked for anew", async () => {
    const server = await serve(OLD);
    server.switches.instead = async (n, _request, response) => {
      if (n > 1) return false;
      response.writeHead(206, {
        "content-range": `bytes 0-${SIZE - 1}/${SIZE}`,
        etag: OLD.etag ?? "",
        "content-length": SIZE,
      });
      response.write(OLD.content.subarray(0, 40_000));
      await new Promise(() => undefined);
      return true;
    };
    const outcome = await run(server.url, inFolder("file"), { stallTimeout: 150 });
    expect(outcome.error).toBeUndefined();
    expect(server.asked[1]?.range).toBe(`bytes=40000-${SIZE - 1}`);
    expect(sameBytes(inFolder("file"), OLD.content)).toBe(true);
  });
});
