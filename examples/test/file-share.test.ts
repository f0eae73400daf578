/** The file share, with a folder of its own for each test. */
import { mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientSession } from "sluice";
import { testClient } from "sluice/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fileShareApp } from "../src/file-share/file-share-app.js";
import { SharedFolder } from "../src/file-share/shared-folder.js";

const OWNER = { headers: { Authorization: "Bearer t0ken" } };

let path: string;
let client: ClientSession;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "sluice-share-"));
  const folder = new SharedFolder(path);
  client = testClient(fileShareApp({ folder, token: "t0ken", maxFileSize: 1_000, maxUploadSize: 2_500 }));
});
afterEach(async () => {
  await client.close();
  await rm(path, { recursive: true, force: true });
});

function upload(...files: readonly (readonly [filename: string, body: string])[]) {
  const multipart = files.map(([filename, body]) => ({ name: "files", filename, body }));
  return client.post("/files", { multipart, ...OWNER });
}

test("files go up together, and down again", async () => {
  const response = await upload(["a.txt", "first"], ["b.txt", "second"]);
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({
    files: [
      { name: "a.txt", url: "/files/a.txt" },
      { name: "b.txt", url: "/files/b.txt" },
    ],
  });
  const { files } = await client.get("/files").json<{ files: { name: string; size: number }[] }>();
  expect(files.map(({ name, size }) => [name, size])).toEqual([
    ["a.txt", 5],
    ["b.txt", 6],
  ]);
  const down = await client.get("/files/b.txt");
  expect([await down.text(), down.filename]).toEqual(["second", "b.txt"]);
});

test.each([
  ["../up.txt", "up.txt"],
  ["/etc/passwd", "passwd"],
  ["C:\\temp\\x.txt", "x.txt"],
  [".hidden", "hidden"],
])("a file called %s is kept as %s", async (sent, kept) => {
  expect(await (await upload([sent, "x"])).json()).toMatchObject({ files: [{ name: kept }] });
  expect(await readdir(path)).toContain(kept);
});

test("two of one name are two files, in one upload or in two", async () => {
  await upload(["a.txt", "1"], ["a.txt", "2"]);
  await Promise.all([upload(["a.txt", "3"]), upload(["a.txt", "3"])]);
  const names = ["a.txt", "a-2.txt", "a-3.txt", "a-4.txt"];
  const texts = await Promise.all(names.map((name) => client.get(`/files/${name}`).text()));
  expect(texts).toEqual(["1", "2", "3", "3"]);
});

test("what is too large is refused, and leaves nothing behind", async () => {
  expect((await upload(["fits", "x".repeat(1_000)])).status).toBe(201);
  expect((await upload(["large", "x".repeat(1_001)])).status).toBe(413);
  expect((await upload(["a", "x".repeat(900)], ["b", "x".repeat(900)], ["c", "x".repeat(900)])).status).toBe(413);
  await expect.poll(() => readdir(path)).toEqual(["fits"]);
});

test("a form without a file is refused, and so is another body", async () => {
  const empty = await client.post("/files", { multipart: { text: "no file" }, ...OWNER });
  expect(empty.status).toBe(422);
  expect((await client.post("/files", { json: {}, ...OWNER })).status).toBe(415);
});

test("only who has the token writes", async () => {
  const multipart = [{ name: "files", filename: "a.txt", body: "x" }];
  expect((await client.post("/files", { multipart })).status).toBe(401);
  await upload(["a.txt", "x"]);
  expect((await client.delete("/files/a.txt")).status).toBe(401);
  expect((await client.delete("/files/a.txt", OWNER)).status).toBe(204);
  expect((await client.delete("/files/a.txt", OWNER)).status).toBe(404);
  expect(await readdir(path)).toEqual([]);
});

test("nothing outside the folder can be had or removed", async () => {
  await writeFile(join(path, ".secret"), "s");
  await symlink("/etc/hostname", join(path, "link"));
  for (const name of ["..%2fetc", "%2e%2e%2fetc", ".secret", "link", "a%00b", "missing"]) {
    expect([400, 404], name).toContain((await client.get(`/files/${name}`)).status);
    expect([400, 404], name).toContain((await client.delete(`/files/${name}`, OWNER)).status);
  }
  expect((await readdir(path)).sort()).toEqual([".secret", "link"]);
  expect(await client.get("/files").json()).toEqual({ files: [] });
});

test("a download can be gone on with, and is no page of ours", async () => {
  await upload(["page.html", "<script>alert(1)</script>"]);
  const part = await client.get("/files/page.html", { headers: { Range: "bytes=1-6" } });
  expect([part.status, await part.text()]).toEqual([206, "script"]);
  const whole = await client.get("/files/page.html");
  expect(whole.headers.get("content-disposition")).toContain("attachment");
  expect(whole.headers.get("x-content-type-options")).toBe("nosniff");
  await whole.text();
});

test("the page for people shows names as what they are", async () => {
  await upload(["a & b's.txt", "x"]);
  const page = await client.get("/").text();
  expect(page).toContain("a &#38; b&#39;s.txt</a>");
  expect(page).toContain('href="/files/a%20%26%20b&#39;s.txt"');
  expect(page).not.toMatch(/https?:\/\//);
});
