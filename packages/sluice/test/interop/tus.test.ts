/** Others' clients against our upload server, as they are: tus-js-client and curl. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Upload } from "tus-js-client";
import { afterAll, describe, expect, test } from "vitest";
import { TusPlace } from "../server/uploads/tus-setup.js";
import { patternBytes } from "./origin-application.js";
import { curl, isAbsent, output } from "./peer-process.js";
import { atEnd, closeAll } from "./places.js";

const BODY = Buffer.from(patternBytes(1_500_000));

afterAll(closeAll);

async function started(): Promise<TusPlace> {
  const place = await TusPlace.with({ cors: true });
  atEnd(() => place[Symbol.asyncDispose]());
  return place;
}

type Options = NonNullable<ConstructorParameters<typeof Upload>[1]>;

/** Resolves to the upload's URL. */
function uploaded(source: Buffer | NodeJS.ReadableStream, options: Options): Promise<string> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(source as Buffer, {
      retryDelays: [0, 50, 100],
      ...options,
      onError: reject,
      onSuccess: () => resolve(upload.url ?? ""),
    });
    upload.start();
  });
}

describe("tus-js-client", () => {
  test.each([
    ["whole", {}],
    ["in parts", { chunkSize: 400_000 }],
    ["with its beginning in the creation", { uploadDataDuringCreation: true, chunkSize: 400_000 }],
    ["all of it in the creation", { uploadDataDuringCreation: true }],
    ["without PATCH on the wire", { overridePatchMethod: true }],
  ])("uploads bytes %s", async (what, options) => {
    const place = await started();
    const filename = `${what}.bin`;
    await uploaded(BODY, { endpoint: place.url, metadata: { filename, filetype: "a/b" }, ...options });
    expect(readFileSync(join(place.folder, filename)).equals(BODY)).toBe(true);
  });

  test("uploads a stream whose length it does not know", async () => {
    const place = await started();
    const pieces = Array.from({ length: 15 }, (_, at) => BODY.subarray(at * 100_000, (at + 1) * 100_000));
    const options = {
      endpoint: place.url,
      metadata: { filename: "streamed" },
      chunkSize: 600_000,
      uploadLengthDeferred: true,
    };
    await uploaded(Readable.from(pieces, { objectMode: false }), options);
    expect(readFileSync(join(place.folder, "streamed")).equals(BODY)).toBe(true);
  });

  test("goes on with what was aborted, and terminates", async () => {
    const place = await started();
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(BODY, {
        endpoint: place.url,
        metadata: { filename: "resumed" },
        chunkSize: 500_000,
        onError: reject,
        onChunkComplete: () => void upload.abort().then(() => resolve(upload.url ?? ""), reject),
      });
      upload.start();
    });
    await uploaded(BODY, { endpoint: place.url, uploadUrl: url });
    expect(readFileSync(join(place.folder, "resumed")).equals(BODY)).toBe(true);
    await Upload.terminate(url);
    await expect(uploaded(BODY, { endpoint: place.url, uploadUrl: url, retryDelays: [] })).resolves.not.toBe(url);
  });

  test("retries through a server that restarts in the middle", async () => {
    const place = await started();
    const { port = 0 } = place.server.address;
    let restarted: Promise<unknown> | undefined;
    place.onDurable = () => {
      restarted ??= place.stop().then(() => place.start({}, port));
    };
    const metadata = { filename: "restarted" };
    await uploaded(BODY, {
      endpoint: place.url,
      metadata,
      chunkSize: 300_000,
      retryDelays: [50, 100, 200, 400, 800, 1_600],
    });
    await restarted;
    expect(readFileSync(join(place.folder, "restarted")).equals(BODY)).toBe(true);
  });
});

describe.skipIf(isAbsent(curl))("curl", () => {
  const tus = ["--silent", "--show-error", "--fail-with-body", "-H", "Tus-Resumable: 1.0.0"];
  const patch = ["-X", "PATCH", "-H", "Content-Type: application/offset+octet-stream"];

  test("creates, asks, uploads a file from an offset, and terminates", async () => {
    const place = await started();
    const file = join(place.folder, ".body");
    const head = await output(curl, [
      ...[...tus, "-D", "-", "-X", "POST", "-H", `Upload-Length: ${BODY.length}`],
      ...["-H", "Upload-Metadata: filename Y3VybGVk", place.url],
    ]);
    const location = new URL(/^location: (\S+)/im.exec(head.toString())?.[1] ?? "", place.url).href;
    writeFileSync(file, BODY.subarray(0, 10));
    const part = [...patch, "-H", "Upload-Offset: 0", "--data-binary", `@${file}`];
    await output(curl, [...tus, ...part, location]);
    const asked = (await output(curl, [...tus, "--head", location])).toString();
    expect(asked).toMatch(/^upload-offset: 10\r$/im);
    writeFileSync(file, BODY.subarray(10));
    await output(curl, [...tus, ...patch, "-H", "Upload-Offset: 10", "-T", file, location]);
    expect(readFileSync(join(place.folder, "curled")).equals(BODY)).toBe(true);
    await output(curl, [...tus, "-X", "DELETE", location]);
    const gone = output(curl, [...tus, "--head", location]);
    await expect(gone).rejects.toThrow();
  });
});
