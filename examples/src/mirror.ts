/** A folder kept as the server has it: what has changed is fetched, what has been interrupted goes on, what is the same costs one question. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientSession, gather } from "sluice";
import { Application } from "sluice/server";
import { type DownloadResult, download, RateLimiter } from "sluice/transfer";
import { megabytes, runExample } from "./support/run-example.js";

const FILES = 6;
const SIZE = 2_000_000;

/** The job: every URL into the folder, four at a time, no faster than `rateLimit` together. */
async function mirror(
  session: ClientSession,
  urls: readonly string[],
  folder: string,
): Promise<readonly DownloadResult[]> {
  const rateLimit = new RateLimiter(200_000_000);
  return await gather(
    urls.map((url) => (signal: AbortSignal) => {
      return download(session, url, folder, { signal, rateLimit, ifChanged: true });
    }),
    { concurrency: 4 },
  );
}

await runExample("A mirror that fetches what has changed", async ({ check }) => {
  const place = await mkdtemp(join(tmpdir(), "sluice-mirror-"));
  const [origin, copy] = [join(place, "origin"), join(place, "copy")];
  await Promise.all([mkdir(origin), mkdir(copy)]);
  const names = Array.from({ length: FILES }, (_, at) => `part-${at}.bin`);
  for (const name of names) await writeFile(join(origin, name), randomBytes(SIZE));

  const app = new Application();
  let sent = 0;
  app.use(async (_request, next) => {
    const reply = await next();
    sent += reply.status === 304 ? 0 : 1;
    return reply;
  });
  app.static("/files", origin);
  await using server = await app.listen({ port: 0, host: "127.0.0.1" });
  await using session = new ClientSession();
  const urls = names.map((name) => `${server.url}/files/${name}`);
  try {
    const first = await mirror(session, urls, copy);
    check(
      first.every(({ status }) => status === "complete"),
      `${first.length} files of ${megabytes(SIZE)} fetched`,
    );

    await writeFile(join(origin, "part-2.bin"), randomBytes(SIZE));
    sent = 0;
    const second = await mirror(session, urls, copy);
    const fetched = second.filter(({ status }) => status === "complete").length;
    check(fetched === 1 && sent === 1, `one has changed: ${fetched} fetched, ${FILES - fetched} only asked about`);

    let same = true;
    for (const name of names) same &&= (await readFile(join(origin, name))).equals(await readFile(join(copy, name)));
    check(same, "the copy is what the origin is, byte for byte");
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});
