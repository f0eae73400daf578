/** nginx as the origin behind our cache: its validators, its lifetimes, its ideas of time. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cache } from "../../src/client/middleware/cache/cache.js";
import { MemoryCacheStore } from "../../src/client/middleware/cache/store/memory-store.js";
import type { ClientResponse } from "../../src/client/response.js";
import { ClientSession } from "../../src/client/session.js";
import { freePort, isAbsent, nginx, startedOn } from "./peer-process.js";
import { atEnd, closeAll } from "./places.js";

/** Long ago, so that a tenth of the time since is longer than any test. */
const OLD = new Date("2020-01-01T00:00:00Z");

afterAll(closeAll);

describe.skipIf(isAbsent(nginx))("a cache before nginx", () => {
  let url: string;
  let root: string;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-nginx-cache-"));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    root = join(folder, "root");
    mkdirSync(root);
    for (const name of ["always", "hour", "vary", "never", "dates", "plain"]) put(root, name, `first ${name}`);
    const port = await freePort();
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${folder}/t;`,
    );
    const config = `
      daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr crit;
      ${process.getuid?.() === 0 ? "user root;" : ""}
      events { worker_connections 64; }
      http {
        access_log off; default_type text/plain; ${temporary.join(" ")}
        server {
          listen 127.0.0.1:${port}; root ${root};
          location /always { add_header Cache-Control no-cache; }
          location /hour { expires 1h; }
          location /vary { add_header Vary Accept-Language; expires 1h; }
          location /never { add_header Cache-Control no-store; }
          location /dates { etag off; add_header Cache-Control no-cache; }
          location /error { add_header Cache-Control max-age=60 always; return 404 nothing; }
        }
      }`;
    writeFileSync(join(folder, "nginx.conf"), config);
    await startedOn(port, nginx, ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")]);
    url = `http://127.0.0.1:${port}`;
  });

  /** A session with a cache of its own; each call reads a path and tells what came of it. */
  function reader(): (
    path: string,
    headers?: Record<string, string>,
  ) => Promise<[ClientResponse["cacheStatus"], string]> {
    const session = new ClientSession({ hopMiddleware: [cache({ store: new MemoryCacheStore() })] });
    atEnd(() => session.close());
    return async (path, headers = {}) => {
      const response = await session.get(`${url}${path}`, { headers });
      return [response.cacheStatus, await response.text()];
    };
  }

  test("its entity tag: 304 while the file is the same, its content once it is another", async () => {
    const read = reader();
    expect(await read("/always")).toEqual(["miss", "first always"]);
    expect(await read("/always")).toEqual(["revalidated", "first always"]);
    writeFileSync(join(root, "always"), "second, longer");
    expect(await read("/always")).toEqual(["miss", "second, longer"]);
    expect(await read("/always")).toEqual(["revalidated", "second, longer"]);
  });

  test("its Last-Modified alone", async () => {
    const read = reader();
    expect(await read("/dates")).toEqual(["miss", "first dates"]);
    expect(await read("/dates")).toEqual(["revalidated", "first dates"]);
    writeFileSync(join(root, "dates"), "other");
    expect(await read("/dates")).toEqual(["miss", "other"]);
  });

  test("its `expires`, its heuristics, its no-store, its error with a lifetime", async () => {
    const read = reader();
    for (const path of ["/hour", "/plain"]) {
      expect((await read(path))[0]).toBe("miss");
      expect(await read(path)).toEqual(["hit", `first ${path.slice(1)}`]);
      expect((await read(path, { "cache-control": "no-cache" }))[0]).toBe("revalidated");
    }
    for (let turn = 0; turn < 2; turn += 1) expect((await read("/never"))[0]).toBe("miss");
    expect(await read("/error")).toEqual(["miss", "nothing"]);
    expect(await read("/error")).toEqual(["hit", "nothing"]);
  });

  test("its Vary", async () => {
    const read = reader();
    expect((await read("/vary", { "accept-language": "de" }))[0]).toBe("miss");
    expect((await read("/vary", { "accept-language": "fr" }))[0]).toBe("miss");
    expect((await read("/vary", { "accept-language": "de" }))[0]).toBe("hit");
  });
});

function put(root: string, name: string, content: string): void {
  const path = join(root, name);
  writeFileSync(path, content);
  utimesSync(path, OLD, OLD);
}
