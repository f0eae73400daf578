/** One `cookies.txt`, shared with curl: what it writes we read, and the other way round. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CookieJar } from "../../src/client/cookie-jar.js";
import { ClientSession } from "../../src/client/session.js";
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";
import { curl, isAbsent, output } from "./peer-process.js";
import { atEnd, closeAll, type Place, serveOn } from "./places.js";

function site(): Application {
  const app = new Application();
  app.get("/set", () =>
    reply
      .text("set")
      .setCookie("session", "a=b", { httpOnly: true })
      .setCookie("lasting", "1", { maxAgeSeconds: 3_600, path: "/folder" })
      .setCookie("empty", "", { path: "/folder" }),
  );
  app.get("/folder/show", ({ headers }) => headers.get("cookie") ?? "");
  return app;
}

afterAll(closeAll);

describe.skipIf(isAbsent(curl))("a cookies.txt", () => {
  let place: Place;
  let folder: string;
  beforeAll(async () => {
    place = await serveOn("http", site());
    folder = await mkdtemp(join(tmpdir(), "sluice-curl-cookies-"));
    atEnd(() => rm(folder, { recursive: true }));
  });

  test("that curl wrote is a jar of ours", async () => {
    const path = join(folder, "curl.txt");
    await output(curl, ["--silent", "--cookie-jar", path, `${place.url}/set`]);
    await using session = new ClientSession({ cookies: await CookieJar.load(path) });
    const sent = await session.get(`${place.url}/folder/show`).text();
    expect(sent.split("; ").sort()).toEqual(["empty=", "lasting=1", "session=a=b"]);
    expect(session.cookies?.get(`${place.url}/`, "session")?.httpOnly).toBe(true);
  });

  test("that we wrote is one of curl's", async () => {
    const path = join(folder, "ours.txt");
    await using session = new ClientSession();
    await session.get(`${place.url}/set`).text();
    await session.cookies?.save(path, { format: "netscape" });
    const sent = await output(curl, ["--silent", "--cookie", path, `${place.url}/folder/show`]);
    expect(sent.toString().split("; ").sort()).toEqual(["empty=", "lasting=1", "session=a=b"]);
  });
});
