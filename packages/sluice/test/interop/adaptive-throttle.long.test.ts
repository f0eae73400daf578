/**
 * An adaptive throttle in front of real limiters: nginx `limit_req`, which gives no hints, and our own server with each family of
 * headers. After the first 200 requests fewer than 2 % are refused and at least 80 % of what is allowed is used. That it is so on a
 * clock that nothing holds up is in `adaptive-rate.test.ts`; here timers are as late as the machine makes them.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";
import { freePort, isAbsent, nginx, startedOn } from "./peer-process.js";
import { atEnd, closeAll, serveOn } from "./places.js";

const WARM_UP = 200;
const MEASURED_MS = 20_000;
/** Callers who always want the next one. */
const CALLERS = 20;
/** Of so many looks one has to be good: what else the machine does only ever makes them worse. */
const LOOKS = 3;

interface Outcome {
  readonly refusedShare: number;
  readonly perSecond: number;
}

interface Bounds {
  /** Share of what is allowed that is used at least. */
  readonly least: number;
  /** Share of requests that is refused at most. */
  readonly most: number;
}

const BOUNDS: Bounds = { least: 0.8, most: 0.02 };

afterAll(closeAll);

/** What an adaptive session gets out of `url`, from its 201st request on. */
async function measured(url: string, callers = CALLERS): Promise<Outcome> {
  await using session = new ClientSession({ throttle: { adaptive: true }, timeout: { total: 60_000 } });
  let asked = 0;
  let began = Number.POSITIVE_INFINITY;
  let refused = 0;
  let accepted = 0;
  const caller = async (): Promise<void> => {
    for (;;) {
      const { status } = await session.get(url);
      const now = performance.now();
      asked += 1;
      if (asked === WARM_UP) began = now;
      if (now > began + MEASURED_MS) return;
      if (asked <= WARM_UP) continue;
      if (status === 200) accepted += 1;
      else refused += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { refusedShare: refused / (refused + accepted), perSecond: accepted / (MEASURED_MS / 1_000) };
}

async function judge(what: string, url: string, allowed: number, { least, most } = BOUNDS): Promise<void> {
  for (let look = 1; ; look += 1) {
    const { refusedShare, perSecond } = await measured(url);
    const used = perSecond / allowed;
    const shown = `${perSecond.toFixed(1)} of ${allowed} a second used (${(used * 100).toFixed(0)} %)`;
    console.log(`${what}: ${(refusedShare * 100).toFixed(2)} % refused, ${shown}`);
    if (look < LOOKS && (refusedShare >= most || used < least)) continue;
    expect(refusedShare, what).toBeLessThan(most);
    expect(used, what).toBeGreaterThanOrEqual(least);
    return;
  }
}

describe.skipIf(isAbsent(nginx))("nginx limit_req, without hints", () => {
  test.each([
    [20, "burst=5 nodelay", 429, BOUNDS],
    [50, "burst=10 nodelay", 429, BOUNDS],
    [200, "burst=20 nodelay", 429, BOUNDS],
    // Refuses whatever comes sooner than evenly spaced: what is lost is what timers are late by, each time.
    [10, "", 429, { least: 0.5, most: 0.05 }],
    [50, "burst=10 nodelay", 503, BOUNDS],
  ])("%i a second, %s, answered with %i", async (perSecond, burst, status, bounds) => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-limit-"));
    const port = await freePort();
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/t;`);
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off;
       worker_processes 1;
       pid ${folder}/pid;
       error_log stderr crit;
       ${process.getuid?.() === 0 ? "user root;" : ""}
       events { worker_connections 64; }
       http {
         access_log off;
         ${paths.join("\n")}
         limit_req_zone $binary_remote_addr zone=one:1m rate=${perSecond}r/s;
         limit_req_status ${status};
         limit_req_log_level error;
         server {
           listen 127.0.0.1:${port};
           location / { limit_req zone=one ${burst}; empty_gif; }
         }
       }`,
    );
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    await startedOn(port, nginx, ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")]);
    await judge(`nginx rate=${perSecond}r/s ${burst} ${status}`, `http://127.0.0.1:${port}/`, perSecond, bounds);
  });
});

/** How a server tells of a window: its limit, what is left, milliseconds until the next one and how long they last. */
type Telling = (limit: number, left: number, resetMs: number, windowMs: number) => Record<string, string>;

const seconds = (ms: number): string => String(Math.ceil(ms / 1_000));

const FAMILIES: Readonly<Record<string, Telling>> = {
  "RateLimit and RateLimit-Policy (current draft)": (limit, left, reset, window) => ({
    ratelimit: `"default";r=${left};t=${seconds(reset)}`,
    "ratelimit-policy": `"default";q=${limit};w=${seconds(window)}`,
  }),
  "RateLimit-Limit, -Remaining, -Reset (older draft)": (limit, left, reset, window) => ({
    "ratelimit-limit": `${limit}, ${limit};w=${seconds(window)}`,
    "ratelimit-remaining": String(left),
    "ratelimit-reset": seconds(reset),
  }),
  "X-RateLimit-* with seconds from now": (limit, left, reset) => ({
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(left),
    "x-ratelimit-reset": seconds(reset),
  }),
  "X-RateLimit-* with a moment, as GitHub has it": (limit, left, reset) => ({
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(left),
    "x-ratelimit-reset": seconds(Date.now() + reset),
  }),
  "X-Rate-Limit-* with a moment, as Twitter has it": (limit, left, reset) => ({
    "x-rate-limit-limit": String(limit),
    "x-rate-limit-remaining": String(left),
    "x-rate-limit-reset": seconds(Date.now() + reset),
  }),
  "Retry-After alone": () => ({}),
};

describe("our own server, with fixed windows", () => {
  test.concurrent.each(Object.keys(FAMILIES))("%s", async (family) => {
    const limit = 100;
    const windowMs = 5_000;
    const app = new Application();
    let windowAt = Number.NEGATIVE_INFINITY;
    let used = 0;
    app.get("/", () => {
      const now = performance.now();
      if (now >= windowAt + windowMs) {
        windowAt = now;
        used = 0;
      }
      used += 1;
      const resetMs = windowAt + windowMs - now;
      const headers = FAMILIES[family]?.(limit, Math.max(0, limit - used), resetMs, windowMs) ?? {};
      if (used <= limit) return reply.text("ok", { headers });
      return reply.text("too many", { status: 429, headers: { ...headers, "retry-after": seconds(resetMs) } });
    });
    const { port } = await serveOn("http", app);
    // A time in whole seconds says little of windows of five: what is waited too long is lost.
    const bounds = family === "Retry-After alone" ? { ...BOUNDS, least: 0.65 } : BOUNDS;
    await judge(family, `http://127.0.0.1:${port}/`, limit / (windowMs / 1_000), bounds);
  });
});
