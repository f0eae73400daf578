import { afterAll, afterEach, describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { ask } from "../fake-exchange.js";
import { makeFolder, removeFolders, Site, write } from "./static-setup.js";

const NAVIGATION = { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

afterAll(removeFolders);

describe("a folder", () => {
  const files = { "index.html": "<h1>root", "docs/index.html": "<h1>docs", "docs/a.txt": "a", "bare/b.txt": "b" };

  test("is answered by its index file", async () => {
    const site = new Site(makeFolder(files));
    expect((await site.get("/s/")).text).toBe("<h1>root");
    const docs = await site.get("/s/docs/");
    expect(docs.text).toBe("<h1>docs");
    expect(docs.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect((await site.get("/s/bare/")).status).toBe(404);
    expect((await site.get("/s/bare")).status).toBe(404);
  });

  test("is reached behind a slash, to which a client is sent, query and all", async () => {
    const site = new Site(makeFolder(files));
    for (const [path, location] of [
      ["/s", "./s/"],
      ["/s?a=%20b", "./s/?a=%20b"],
      ["/s/docs", "./docs/"],
      ["/s/docs?x=1&y", "./docs/?x=1&y"],
    ] as const) {
      const answer = await site.get(path);
      expect([answer.status, answer.headers["location"]]).toEqual([301, location]);
      expect(new URL(location, `http://example.com${path}`).pathname).toMatch(/^\/s\/(docs\/)?$/);
    }
  });

  test("sends nobody to another host, whatever it is called", async () => {
    const folder = makeFolder({ "evil.example/index.html": "", "a:b/index.html": "", "javascript:x/index.html": "" });
    const app = new Application().static("/", folder);
    for (const path of [
      "//evil.example",
      "/%2Fevil.example",
      "/%5Cevil.example",
      "///evil.example/",
      "//evil.example/%2e%2e",
    ]) {
      const answer = await ask(app.dispatch, "GET", path);
      expect(answer.status).toBe(404);
      expect(answer.headers).not.toHaveProperty("location");
    }
    for (const path of ["/evil.example", "/a:b", "/javascript:x"]) {
      const { headers } = await ask(app.dispatch, "GET", path);
      expect(new URL(headers["location"] ?? "", `http://example.com${path}`).href).toBe(`http://example.com${path}/`);
    }
  });

  test("may have index files of other names, in their order, or none", async () => {
    const folder = makeFolder({ "one/b.htm": "b", "one/a.htm": "a", "two/b.htm": "b", "two/index.html": "i" });
    const site = new Site(folder, { index: ["a.htm", "b.htm"] });
    expect([(await site.get("/s/one/")).text, (await site.get("/s/two/")).text]).toEqual(["a", "b"]);
    expect((await new Site(folder, { index: false }).get("/s/two/")).status).toBe(404);
  });

  test("can have endings left away", async () => {
    const folder = makeFolder({ "about.html": "about", both: "plain", "both.html": "html", "c.htm": "c" });
    const site = new Site(folder, { extensions: ["html", ".htm"] });
    expect((await site.get("/s/about")).headers["content-type"]).toBe("text/html; charset=utf-8");
    expect([(await site.get("/s/both")).text, (await site.get("/s/c")).text]).toEqual(["plain", "c"]);
    expect((await site.get("/s/about/")).status).toBe(404);
    expect((await new Site(folder).get("/s/about")).status).toBe(404);
  });

  test("at the root leaves other routes theirs", async () => {
    const app = new Application().static("/", makeFolder({ "a.txt": "file", "api/x": "file" }));
    app.get("/api/:name", ({ params }) => params.name);
    expect((await ask(app.dispatch, "GET", "/a.txt")).text).toBe("file");
    expect((await ask(app.dispatch, "GET", "/api/x")).text).toBe("x");
  });

  test("can be served twice, each with options of its own", async () => {
    const folder = makeFolder({ "a.txt": "a" });
    const app = new Application().static("/one/", folder, { maxAgeSeconds: 1 }).static("/two", folder);
    expect((await ask(app.dispatch, "GET", "/one/a.txt")).headers["cache-control"]).toBe("max-age=1");
    expect((await ask(app.dispatch, "GET", "/two/a.txt")).headers["cache-control"]).toBe("no-cache");
    expect(() => app.static("/one", folder)).toThrow(expect.objectContaining({ code: "route/duplicate" }));
  });
});

describe("the fallback of a single-page application", () => {
  const files = { "index.html": "<app>", "app.js": "js", "shell/x.html": "<shell>" };

  test("answers navigations to paths where nothing is", async () => {
    const site = new Site(makeFolder(files), { fallback: "index.html", maxAgeSeconds: 60, immutable: true });
    for (const path of ["/s/users/7", "/s/users/john.doe", "/s/deep/er/"]) {
      const answer = await site.get(path, NAVIGATION);
      expect(answer).toMatchObject({ status: 200, text: "<app>" });
      expect(answer.headers).toMatchObject({ "cache-control": "no-cache", vary: "Accept, Sec-Fetch-Mode" });
    }
    expect((await site.get("/s/users/7", { "Sec-Fetch-Mode": "navigate" }, "HEAD")).status).toBe(200);
    expect((await site.get("/s/app.js", NAVIGATION)).text).toBe("js");
  });

  test("leaves a missing script, image or answer to a program missing", async () => {
    const site = new Site(makeFolder(files), { fallback: "index.html" });
    for (const fields of [
      {},
      { Accept: "*/*" },
      { Accept: "application/json" },
      { Accept: "text/html;q=0, */*" },
      { ...NAVIGATION, "Sec-Fetch-Mode": "no-cors" },
      { ...NAVIGATION, "Sec-Fetch-Mode": "cors" },
    ]) {
      expect((await site.get("/s/missing.js", fields)).status).toBe(404);
    }
  });

  test("is a file like any other: with a tag, in a folder, or missing itself", async () => {
    const site = new Site(makeFolder(files), { fallback: "shell/x.html" });
    const etag = (await site.get("/s/a", NAVIGATION)).headers["etag"] ?? "";
    expect((await site.get("/s/b", { ...NAVIGATION, "If-None-Match": etag })).status).toBe(304);
    expect((await new Site(makeFolder(files), { fallback: "none.html" }).get("/s/a", NAVIGATION)).status).toBe(404);
  });

  test("takes no path that was a trick", async () => {
    const site = new Site(makeFolder(files), { fallback: "index.html" });
    expect((await site.get("/s/../x", NAVIGATION)).status).toBe(404);
  });
});

describe("a listing", () => {
  const hostile = `<img src=x onerror=alert(1)>"'&.txt`;
  const files = {
    ...{ "b.txt": "12345", "a10.txt": "1", "a2.txt": "", ".env": "secret", "sub/x.txt": "x", "Zoo/y": "y" },
    ...{ "big.bin": "x".repeat(1_536), "100% #1?.txt": "odd", [hostile]: "hostile" },
  };
  afterEach(removeFolders);

  test("is there only when it is asked for, and no index file answers", async () => {
    const folder = makeFolder(files);
    expect((await new Site(folder).get("/s/")).status).toBe(404);
    write(folder, "sub/index.html", "index");
    const site = new Site(folder, { listing: true });
    expect((await site.get("/s/sub/")).text).toBe("index");
    expect((await site.get("/s/Zoo")).headers["location"]).toBe("./Zoo/");
  });

  test("shows nothing that could not be asked for", async () => {
    const folder = makeFolder({ "a.txt": "", "b\\c.txt": "", "d\ne.txt": "" });
    const { text } = await new Site(folder, { listing: true }).get("/s/", { Accept: "application/json" });
    expect(JSON.parse(text)).toMatchObject({ entries: [{ name: "a.txt" }] });
  });

  test("is a page that loads and runs nothing, with every name escaped", async () => {
    const { headers, text } = await new Site(makeFolder(files), { listing: true }).get("/s/", NAVIGATION);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers).toMatchObject({ "cache-control": "no-cache", vary: "Accept", "x-content-type-options": "nosniff" });
    expect(text).not.toMatch(/<img|<script|https?:|url\(|\.env/);
    expect(text).toContain("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;.txt</a>");
    expect(text).toContain(`href="./100%25%20%231%3F.txt"`);
    expect(text).toContain("color-scheme: light dark");
    expect(text).toContain(`<html lang="en">`);
    expect(text).toContain(`title="1536 bytes">1.5 KiB`);
    expect(text).not.toContain(`href="../"`);
  });

  test("has links that lead where they say", async () => {
    const site = new Site(makeFolder(files), { listing: true });
    const { text } = await site.get("/s/");
    const links = [...text.matchAll(/href="(\.\/[^"]*)"/g)].map(([, href = ""]) =>
      href.replaceAll("&#39;", "'").replaceAll("&amp;", "&"),
    );
    expect(links).toHaveLength(8);
    for (const link of links) {
      const { pathname } = new URL(link, "http://example.com/s/");
      expect((await site.get(pathname)).status).toBe(200);
    }
  });

  test("has folders first and names in the order people expect, or by size or date", async () => {
    const site = new Site(makeFolder(files), { listing: true });
    const names = async (query = ""): Promise<string[]> => {
      const { text } = await site.get(`/s/${query}`, { Accept: "application/json" });
      return (JSON.parse(text) as { entries: { name: string }[] }).entries.map(({ name }) => name);
    };
    const usual = await names();
    expect(usual.slice(0, 2)).toEqual(["sub", "Zoo"]);
    expect(usual.indexOf("a2.txt")).toBeLessThan(usual.indexOf("a10.txt"));
    expect((await names("?sort=-size"))[2]).toBe("big.bin");
    expect((await names("?sort=size"))[2]).toBe("a2.txt");
    expect((await names("?sort=-name")).at(-1)).toBe(usual[2]);
    expect(await names("?sort=nonsense")).toEqual(usual);
    expect(await names("?sort=modified")).toHaveLength(8);
    const { text } = await site.get("/s/?sort=-size");
    expect(text).toContain(`<th scope="col" class="size" aria-sort="descending"><a href="?sort=size">`);
  });

  test("is JSON for programs", async () => {
    const site = new Site(makeFolder({ "a b/c.txt": "123" }), { listing: true });
    const { headers, text } = await site.get("/s/a%20b/", { Accept: "application/json" });
    expect(headers["content-type"]).toBe("application/json");
    expect(JSON.parse(text)).toEqual({
      path: "/a b/",
      entries: [{ name: "c.txt", kind: "file", size: 3, modified: expect.stringMatching(/^\d{4}-.*Z$/) }],
    });
  });

  test("of a folder further down knows its way up, and of an empty one says so", async () => {
    const site = new Site(makeFolder({ "one/two/a.txt": "" }), { listing: true, index: ["a.txt"] });
    expect((await site.get("/s/one/")).text).toContain(`<h1><a href="../">/</a>one/</h1>`);
    write(makeFolder(), "x", "");
    const deep = new Site(makeFolder({ "one/two/three/x": "" }), { listing: true });
    const { text } = await deep.get("/s/one/two/");
    expect(text).toContain(`<h1><a href="../../">/</a><a href="../">one/</a>two/</h1>`);
    expect(text).toContain(`<a href="../" rel="up">`);
    expect((await new Site(makeFolder(), { listing: true }).get("/s/")).text).toContain("This folder is empty");
  });

  test("shows names that begin with a dot only where they are served", async () => {
    const site = new Site(makeFolder(files), { listing: true, dotfiles: "serve" });
    expect((await site.get("/s/")).text).toContain(">.env</a>");
    expect((await site.get("/s/.env")).text).toBe("secret");
  });

  test("has a head for HEAD", async () => {
    const { reply } = await new Site(makeFolder(files), { listing: true }).get("/s/", {}, "HEAD");
    expect(reply.payload?.length).toBeGreaterThan(1_000);
  });
});
