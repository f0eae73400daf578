/** A folder that is shared: uploads within limits, a list, downloads that go on where they broke off, and an end. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientSession } from "sluice";
import { fileShareApp } from "./file-share/file-share-app.js";
import { type SharedFile, SharedFolder } from "./file-share/shared-folder.js";
import { megabytes, runExample } from "./support/run-example.js";

const TOKEN = "t0ken";
const LARGE = 50_000_000;

await runExample("A file share", async ({ say, check }) => {
  const path = await mkdtemp(join(tmpdir(), "sluice-share-"));
  try {
    const limits = { maxFileSize: 60_000_000, maxUploadSize: 80_000_000 };
    const app = fileShareApp({ folder: new SharedFolder(path), token: TOKEN, ...limits });
    await using server = await app.listen({ port: 0, host: "127.0.0.1" });
    await using guest = new ClientSession({ baseUrl: `${server.url}/` });
    await using owner = new ClientSession({ baseUrl: `${server.url}/`, auth: { bearer: TOKEN } });

    const before = process.memoryUsage().rss;
    const large = { body: zeros(LARGE), filename: "large.bin" };
    const note = { body: "remember the milk", filename: "../../etc/note.txt", type: "text/plain" };
    const uploaded = await owner.post("files", {
      multipart: [
        { name: "files", ...large },
        { name: "files", ...note },
      ],
    });
    const { files } = await uploaded.json<{ files: { name: string; url: string }[] }>();
    const grown = process.memoryUsage().rss - before;
    check(
      uploaded.status === 201,
      `${megabytes(LARGE)} and a note are there (memory +${megabytes(Math.max(0, grown))})`,
    );
    say(files.map(({ name, url }) => `${name} at ${url}`).join(", "));
    check(files[1]?.name === "note.txt", "a name that leads elsewhere is made one that does not");

    const again = await owner.post("files", { multipart: [{ name: "files", ...note }] });
    const [second] = (await again.json<{ files: { name: string }[] }>()).files;
    check(second?.name === "note-2.txt", `nothing is overwritten: ${second?.name}`);
    const refused = await guest.post("files", { multipart: [{ name: "files", ...note }] });
    check(refused.status === 401, `without the token: ${refused.status}`);
    const tooLarge = { name: "files", body: zeros(limits.maxFileSize + 1), filename: "huge.bin" };
    const rejected = await owner.post("files", { multipart: [tooLarge] });
    check(rejected.status === 413, `beyond the limit: ${rejected.status}`);

    const { files: listed } = await guest.get("files").json<{ files: SharedFile[] }>();
    check(
      listed.map(({ name }) => name).join() === "large.bin,note-2.txt,note.txt",
      `the list has ${listed.length} files`,
    );
    check((await readdir(path)).length === listed.length, "and nothing of what was refused is left on the disk");

    const part = await guest.get("files/large.bin", { headers: { Range: `bytes=${LARGE - 10}-` } });
    check(
      part.status === 206 && (await part.bytes()).length === 10,
      `its last 10 bytes: ${part.headers.get("content-range")}`,
    );
    const whole = await guest.get("files/note.txt");
    const text = await whole.text();
    const etag = whole.headers.get("etag") ?? "";
    const known = await guest.get("files/note.txt", { headers: { "If-None-Match": etag } });
    check(
      text === "remember the milk" && known.status === 304,
      `a file that is known is not sent again: ${known.status}`,
    );
    check(whole.filename === "note.txt", "a download, with its name");

    const removed = await owner.delete("files/note.txt");
    const gone = await guest.get("files/note.txt");
    check(removed.status === 204 && gone.status === 404, `removed: ${removed.status}, then ${gone.status}`);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});

async function* zeros(total: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(1_000_000);
  for (let sent = 0; sent < total; sent += piece.byteLength)
    yield piece.subarray(0, Math.min(piece.byteLength, total - sent));
}
