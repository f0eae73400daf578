/** A form with a large file, sent as it is read, with a bar for the upload. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientSession, type Progress } from "sluice";
import { Application } from "sluice/server";
import { megabytes, runExample } from "./support/run-example.js";

const FILE_BYTES = 4_000_000;

/** What the server below says of an upload. */
interface Receipt {
  readonly title: string | null;
  readonly name: string | undefined;
  readonly digest: string;
  readonly length: number | undefined;
}

const app = new Application({ maxBodySize: 2 * FILE_BYTES }).post("/photos", async (request) => {
  const form = await request.formData();
  const photo = form.file("photo");
  const digest = sha256((await photo?.bytes()) ?? new Uint8Array());
  return { title: form.fields.get("title"), name: photo?.filename, digest, length: request.contentLength };
});

await runExample("a form with a file, and how far it has come", async ({ check }) => {
  await using server = await app.listen({ port: 0, host: "127.0.0.1" });
  await using session = new ClientSession({ baseUrl: `${server.url}/` });
  const folder = mkdtempSync(join(tmpdir(), "sluice-upload-"));
  try {
    const path = join(folder, "photo.raw");
    const content = randomBytes(FILE_BYTES);
    writeFileSync(path, content);

    const reports: Progress[] = [];
    const answer = await session
      .post("photos", {
        multipart: { title: 'A "quoted" title', photo: new File([await openAsBlob(path)], "föto.raw") },
        onProgress: (progress) => {
          reports.push(progress);
          console.log(bar(progress));
        },
      })
      .json<Receipt>();

    const last = reports.at(-1);
    check(answer.title === 'A "quoted" title', "the field arrived as it was given");
    check(answer.name === "föto.raw", "and so did the name of the file");
    check(answer.digest === sha256(content), `its ${megabytes(FILE_BYTES)} arrived unchanged`);
    check(answer.length === last?.total, "the length was known before a byte was read");
    check(last?.done === true && last.transferred === last.total, "the last report says that all has been sent");
    check(
      reports.every((report, at) => report.transferred >= (reports[at - 1]?.transferred ?? 0)),
      `${reports.length} reports, none of them behind another`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** One line of 30 characters, the rate and the time that is left. */
function bar({ transferred, total = transferred, rate, remaining = 0 }: Progress): string {
  const filled = Math.round((30 * transferred) / Math.max(1, total));
  return `${"#".repeat(filled).padEnd(30, ".")} ${megabytes(rate)}/s, ${(remaining / 1000).toFixed(1)} s left`;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
