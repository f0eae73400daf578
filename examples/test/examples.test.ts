import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runProgram } from "./run-program.js";

/** What each example must have said, beside claims that hold. */
const EXPECTED: Readonly<Record<string, readonly RegExp[]>> = {
  "fetch-in-sdks": [
    /openai: 4 pieces, .*Pull the sluice slowly/,
    /octokit: #7 It leaks, then status 404/,
    /both went over 1 connection/,
  ],
  "side-by-side": [/not the 6 s/],
  "thousand-urls": [/1000 answers, each the right one, 0 failures/, /at most \d+ connections/],
  "mixed-batch": [/9 results for 9 requests: 2 fine/, /timeout\.total/, /connect\/refused/],
  "big-download": [/1525 chunks of exactly 65536 bytes/, /peak memory of the process \d+ MB/],
  "timeout-and-retry": [/ended by "headers"/, /ended by "total"/, /fine at attempt 3/],
  caching: [/9 requests, 1 asked/, /revalidated/, /stale/],
  throttling: [/of 30 refused with 429/, /with: 0 of 30 refused/],
  "adaptive-throttle": [/120 answers/, /of 120 refused on the way/],
  "hashing-workers": [/the same 12 hashes/, /longest delay of the event loop/],
  mocked: [/Ada, Grace, Edsger/, /a request that nobody expected/, /the query parameter "page" has another value/],
  login: [/logged in as ada/, /only its owner reads: 600/, /let in again by the file/, /nobody else/],
  "follow-events": [/20 events in order, none lost and none twice/, /over 5 connections, the last one a 204/],
  pages: [/95 books by Link fields/, /4 pages by cursor/, /circle are noticed/],
  "upload-with-progress": [/arrived unchanged/, /reports, none of them behind another/],
  backup: [/never on this disk/, /the upload went on there/, /what lies there is what was sent/],
  notes: [/45 notes in 3 pages/, /422 application\/problem\+json/, /the same version: 200 and 412/],
  "file-share": [/nothing is overwritten: note-2.txt/, /beyond the limit: 413/, /bytes 49999990-49999999\/50000000/],
  "product-page": [/in the caller's trace/, /late reviews are left out/, /without the price service: 502/],
  "shared-board": [/a third saw: [ab]{20}/, /nothing that was written is lost/, /a server that closes says 1001/],
  "reverse-proxy": [/taking turns: /, /leads through the door: \/api\/whoami/, /nobody home: 503/],
  mirror: [/6 files of 2 MB fetched/, /1 fetched, 5 only asked about/, /byte for byte/],
  tracing: [/requestRedirect/, /to=http/, /is in none of them/],
};

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url));

describe("the examples", () => {
  it("are all tested here, and all in the demo", () => {
    const programs = readdirSync(SOURCES)
      .filter((file) => file.endsWith(".ts") && file !== "hash-worker.ts")
      .map((file) => file.slice(0, -".ts".length));
    expect(Object.keys(EXPECTED).sort()).toEqual(programs.sort());
    const demo = readFileSync(`${SOURCES}demo/main.ts`, "utf8");
    for (const program of programs) expect(demo).toContain(`"${program}"`);
  });

  for (const [name, patterns] of Object.entries(EXPECTED)) {
    it(`${name} starts its own server, and all its claims hold`, { timeout: 60_000, retry: 0 }, async () => {
      const { code, output, errors } = await runProgram(name);
      expect(errors).toBe("");
      expect(output).not.toContain("✗");
      expect(code).toBe(0);
      for (const pattern of patterns) expect(output).toMatch(pattern);
      // No terminal, no colour.
      expect(output).not.toContain("\u001b");
    });
  }

  it("say what is not so and end with exit code 1, against the server that was named", async () => {
    const server = createServer((_request, response) => response.writeHead(503).end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    try {
      const { code, output } = await runProgram("thousand-urls", `http://127.0.0.1:${port}`);
      expect(output).toContain("✗ 0 answers, each the right one, 1000 failures");
      expect(code).toBe(1);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
