/** A JSON service, asked as its clients ask it: pages, checked bodies, and two people who change the same note. */
import { ClientSession } from "sluice";
import { type Note, NoteStore } from "./notes/note-store.js";
import { notesApp } from "./notes/notes-app.js";
import { runExample } from "./support/run-example.js";

interface Problem {
  readonly title: string;
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
}

await runExample("A JSON service", async ({ say, check }) => {
  await using server = await notesApp(new NoteStore()).listen({ port: 0, host: "127.0.0.1" });
  await using session = new ClientSession({ baseUrl: `${server.url}/` });

  for (let number = 1; number <= 45; number += 1) {
    const created = await session.post("notes", {
      json: { title: `Note ${number}`, tags: number % 3 === 0 ? ["third"] : [] },
    });
    if (created.status !== 201) check(false, `note ${number}: status ${created.status}`);
  }

  const titles: string[] = [];
  let pages = 0;
  for await (const { data, number } of session.paginate<{ notes: readonly Note[] }>("notes?limit=20")) {
    titles.push(...data.notes.map(({ title }) => title));
    pages = number;
  }
  check(titles.length === 45 && new Set(titles).size === 45, `${titles.length} notes in ${pages} pages, none twice`);
  const thirds = await session.get("notes?tag=third&limit=100").json<{ notes: readonly Note[] }>();
  check(thirds.notes.length === 15, `${thirds.notes.length} of them have the tag "third"`);

  const wrong = await session.post("notes", { json: { title: "", tags: ["fine", 7], colour: "red" } });
  const problem = await wrong.json<Problem>();
  check(wrong.status === 422, `what does not fit is refused: ${wrong.status} ${wrong.contentType}`);
  for (const { pointer, detail } of problem.errors) say(`${pointer}: ${detail}`);

  const ada = await session.post("notes", { json: { title: "Shared" } });
  const url = ada.location ?? "";
  const tag = ada.headers.get("etag") ?? "";
  const headers = { "If-Match": tag };
  const unchanged = await session.get(url, { headers: { "If-None-Match": tag } });
  check(unchanged.status === 304, `asked again while nothing has changed: ${unchanged.status}`);
  const first = await session.patch(url, { json: { text: "Grace was here" }, headers });
  const second = await session.patch(url, { json: { text: "Ada was here" }, headers });
  check(
    first.status === 200 && second.status === 412,
    `two change the same version: ${first.status} and ${second.status}`,
  );
  const careless = await session.put(url, { json: { title: "Mine" } });
  check(careless.status === 428, `and who does not say which one is told to: ${careless.status}`);
  const removed = await session.delete(url, { headers: { "If-Match": first.headers.get("etag") ?? "" } });
  check(removed.status === 204, `who has seen the latest may remove it: ${removed.status}`);
});
