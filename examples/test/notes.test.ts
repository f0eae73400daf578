/** The notes service, tested as one would test one's own: in the same process, without a port, with a clock that stands still. */
import { type ClientSession, findLink } from "sluice";
import { testClient } from "sluice/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Note, NoteStore } from "../src/notes/note-store.js";
import { notesApp } from "../src/notes/notes-app.js";

const NOW = "2026-01-02T03:04:05.000Z";

let client: ClientSession;

beforeEach(() => {
  client = testClient(notesApp(new NoteStore(() => new Date(NOW))));
});
// Fails the test for errors that the service had and nobody looked at.
afterEach(() => client.close());

async function add(title: string, tags: readonly string[] = []): Promise<Note> {
  return client.post("/notes", { json: { title, tags } }).json<Note>();
}

const ifMatch = (version: number) => ({ headers: { "If-Match": `"${version}"` } });

describe("making notes", () => {
  test("gives them an id, a place, a version and what was left out", async () => {
    const response = await client.post("/notes", { json: { title: "  First  " } });
    expect(response.status).toBe(201);
    const note = await response.json<Note>();
    expect(note).toEqual({ id: note.id, title: "First", text: "", tags: [], version: 1, created: NOW, changed: NOW });
    expect(response.location).toBe(`/notes/${note.id}`);
    expect(response.headers.get("etag")).toBe('"1"');
    expect(await client.get(response.location ?? "").json()).toEqual(note);
  });

  test("names everything that is wrong, and keeps nothing", async () => {
    const response = await client.post("/notes", { json: { title: "", text: 1, tags: [""], more: true } });
    expect(response.status).toBe(422);
    expect(response.contentType).toContain("application/problem+json");
    const { errors } = await response.json<{ errors: { pointer: string }[] }>();
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(["#", "#/tags/0", "#/text", "#/title"]);
    expect(await client.get("/notes").json()).toEqual({ notes: [] });
  });

  test.each([
    ["no JSON", { body: "{", headers: { "Content-Type": "application/json" } }, 400],
    ["another type", { body: "title=x", headers: { "Content-Type": "text/plain" } }, 415],
    ["too much", { json: { title: "x", text: "y".repeat(70_000) } }, 413],
  ])("refuses %s", async (_what, options, status) => {
    expect((await client.post("/notes", options)).status).toBe(status);
  });
});

describe("listing notes", () => {
  test("goes page by page, and tells where the next one is", async () => {
    for (const title of ["a", "b", "c", "d", "e"]) await add(title);
    const titles: string[][] = [];
    for (let next: string | undefined = "/notes?limit=2"; next !== undefined; ) {
      const response: Awaited<ReturnType<ClientSession["get"]>> = await client.get(next);
      titles.push((await response.json<{ notes: Note[] }>()).notes.map(({ title }) => title));
      next = findLink(response.links, "next")?.url;
    }
    expect(titles).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  test("can be held to a tag, on every page", async () => {
    for (const title of ["a", "b", "c"]) await add(title, title === "b" ? [] : ["x y"]);
    const first = await client.get("/notes?limit=1&tag=x%20y");
    expect(first.headers.get("link")).toContain("tag=x");
    const second = await client.get(first.links[0]?.url ?? "");
    expect((await second.json<{ notes: Note[] }>()).notes.map(({ title }) => title)).toEqual(["c"]);
    expect(second.links).toEqual([]);
  });

  test.each(["limit=0", "limit=101", "limit=many", "after=nothing", "colour=red"])("refuses ?%s", async (query) => {
    expect((await client.get(`/notes?${query}`)).status).toBe(422);
  });
});

describe("changing a note", () => {
  test("needs to say which version, and gives it a new one", async () => {
    const { id } = await add("old", ["kept"]);
    expect((await client.put(`/notes/${id}`, { json: { title: "new" } })).status).toBe(428);
    const patched = await client.patch(`/notes/${id}`, { json: { title: "new" }, ...ifMatch(1) });
    expect(await patched.json()).toMatchObject({ title: "new", tags: ["kept"], version: 2 });
    const put = await client.put(`/notes/${id}`, { json: { title: "newer" }, ...ifMatch(2) });
    expect(await put.json()).toMatchObject({ title: "newer", tags: [], version: 3 });
    expect(put.headers.get("etag")).toBe('"3"');
  });

  test("is refused to who has seen an older version", async () => {
    const { id } = await add("old");
    await client.patch(`/notes/${id}`, { json: { title: "new" }, ...ifMatch(1) });
    for (const method of ["PUT", "PATCH"]) {
      const late = await client.request(method, `/notes/${id}`, { json: { title: "late" }, ...ifMatch(1) });
      expect(late.status).toBe(412);
    }
    expect((await client.delete(`/notes/${id}`, ifMatch(1))).status).toBe(412);
    expect(await client.get(`/notes/${id}`).json()).toMatchObject({ title: "new" });
  });

  test("of two at the same time, one wins", async () => {
    const { id } = await add("old");
    const both = ["one", "two"].map((title) => client.patch(`/notes/${id}`, { json: { title }, ...ifMatch(1) }));
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 412]);
  });

  test("asks for nothing that has not changed", async () => {
    const { id } = await add("old");
    const headers = { "If-None-Match": '"1"' };
    expect((await client.get(`/notes/${id}`, { headers })).status).toBe(304);
    await client.patch(`/notes/${id}`, { json: {}, ...ifMatch(1) });
    expect((await client.get(`/notes/${id}`, { headers })).status).toBe(200);
  });
});

test("a note that is removed is gone", async () => {
  const { id } = await add("old");
  expect((await client.delete(`/notes/${id}`, ifMatch(1))).status).toBe(204);
  expect((await client.get(`/notes/${id}`)).status).toBe(404);
  expect((await client.delete(`/notes/${id}`, ifMatch(1))).status).toBe(404);
});
