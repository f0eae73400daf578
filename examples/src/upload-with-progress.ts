/** A form with a large file, sent as it is read, with a bar for the upload. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientSession, type Progress } from "sluice";
import { megabytes, runExample } from "./support/run-example.js";

const FILE_BYTES = 4_000_000;

/** What httpbin says of a request: its body, where it is no text, as a data URL. */
interface Echo {
  readonly data: string;
  readonly headers: Record<string, string>;
}

await runExample("a form with a file, and how far it has come", async ({ server, check }) => {
  await using session = new ClientSession({ baseUrl: `${server}/` });
  const folder = mkdtempSync(join(tmpdir(), "sluice-upload-"));
  try {
    const path = join(folder, "photo.raw");
    const content = randomBytes(FILE_BYTES);
    writeFileSync(path, content);

    const reports: Progress[] = [];
    const answer = await session
      .post("post", {
        multipart: { title: 'A "quoted" title', photo: new File([await openAsBlob(path)], "föto.raw") },
        onProgress: (progress) => {
          reports.push(progress);
          console.log(bar(progress));
        },
      })
      .json<Echo>();

    const form = await formOf(answer);
    const photo = form.get("photo");
    const last = reports.at(-1);
    check(form.get("title") === 'A "quoted" title', "the field arrived as it was given");
    check(photo instanceof File && photo.name === "föto.raw", "and so did the name of the file");
    check(
      photo instanceof File && sha256(await photo.arrayBuffer()) === sha256(content),
      `its ${megabytes(FILE_BYTES)} arrived unchanged`,
    );
    check(answer.headers["Content-Length"] === String(last?.total), "the length was known before a byte was read");
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

function sha256(bytes: Uint8Array | ArrayBuffer): string {
  return createHash("sha256").update(new Uint8Array(bytes)).digest("hex");
}

/** The form as it arrived, taken apart by the platform's own reader. */
function formOf({ data, headers }: Echo): Promise<FormData> {
  const body = Buffer.from(data.slice(data.indexOf(",") + 1), "base64");
  return new Response(body, { headers: { "content-type": headers["Content-Type"] ?? "" } }).formData();
}
