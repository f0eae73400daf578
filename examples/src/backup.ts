/** A folder as a tar archive, uploaded while it is made, to a server that is restarted on the way; then compared. */
import { createHash, type Hash, randomBytes } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientSession } from "sluice";
import { Application, type Server, type UploadInfo, uploads } from "sluice/server";
import { startUpload } from "sluice/transfer";
import { tarStream } from "./backup/tar-stream.js";
import { megabytes, runExample } from "./support/run-example.js";

const FILES = 40;
const FILE_BYTES = 500_000;
const PART_BYTES = 2_000_000;

await runExample("a folder backed up over a server that is restarted", async ({ check, say }) => {
  const place = mkdtempSync(join(tmpdir(), "sluice-backup-"));
  const folder = join(place, "photos");
  fill(folder);
  let interruption: Promise<number> | undefined;
  const serve = (port: number): Promise<Server> => {
    const app = new Application({ receiveTimeout: Number.POSITIVE_INFINITY });
    const onProgress = ({ offset }: UploadInfo): void => {
      interruption ??= restart(offset);
    };
    app.mount("/backups", uploads({ directory: join(place, "backups"), onProgress }));
    return app.listen({ port, host: "127.0.0.1" });
  };
  let server = await serve(0);
  const restart = async (received: number): Promise<number> => {
    const { port = 0 } = server.address;
    await server.close({ grace: 0 });
    server = await serve(port);
    return received;
  };
  await using session = new ClientSession();
  try {
    const sent = createHash("sha256");
    const task = startUpload(session, `${server.url}/backups`, noted(tarStream(folder), sent), {
      chunkSize: PART_BYTES,
      checksum: "sha256",
      backOff: { base: 50, cap: 500 },
      metadata: { filename: "photos.tar" },
      onEvent: (event) => say(`  ${event.type}`),
    });
    const result = await task.result;
    const received = (await interruption) ?? 0;

    const stored = createHash("sha256");
    for await (const piece of createReadStream(join(place, "backups", "photos.tar"))) stored.update(piece as Buffer);
    check(
      result.size > FILES * FILE_BYTES,
      `${FILES} files in an archive of ${megabytes(result.size)}, never on this disk`,
    );
    check(received > 0 && received < result.size, `the server was restarted when it had ${megabytes(received)}`);
    check(result.restarts.length === 0, "and the upload went on there");
    check(stored.digest("hex") === sent.digest("hex"), "what lies there is what was sent");
  } finally {
    await server.close({ grace: 0 });
    rmSync(place, { recursive: true });
  }
});

function fill(folder: string): void {
  const deep = join(folder, "a".repeat(60), "b".repeat(60));
  mkdirSync(deep, { recursive: true });
  for (let at = 0; at < FILES; at += 1)
    writeFileSync(join(at % 2 === 0 ? folder : deep, `${at}.raw`), randomBytes(FILE_BYTES));
  symlinkSync("0.raw", join(folder, "newest.raw"));
}

/** Passes the pieces on, and digests them on the way. */
async function* noted(pieces: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}
