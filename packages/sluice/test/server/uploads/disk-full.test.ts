/** A disk that is full: a small tmpfs of our own where we may mount one, with CI=true in any case; and a store that says so. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { uploads } from "../../../src/server/uploads/uploads.js";
import { base64, OCTETS, TUS } from "./tus-setup.js";

const MIB = 1024 * 1024;

/** A folder on a disk of `bytes`, until the test is over; undefined where we may not have one. */
function smallDisk(bytes: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "sluice-small-"));
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
  onTestFinished(() => {
    if (status === 0) spawnSync("umount", [folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return status === 0 ? folder : undefined;
}

const mayMount = process.getuid?.() === 0 || process.env["CI"] === "true";

describe.skipIf(!mayMount)("a disk with little room", () => {
  test("refuses an upload that it has no room for, before a byte is sent", async () => {
    const folder = smallDisk(4 * MIB) ?? "";
    expect(folder, "a tmpfs can be mounted").not.toBe("");
    const app = new Application().mount("/files", uploads({ directory: folder, limits: { minFreeBytes: MIB } }));
    const create = (length: number): Promise<Response> => {
      const headers = { ...TUS, "Upload-Length": String(length) };
      return app.fetch(new Request("http://localhost/files", { method: "POST", headers }));
    };
    expect((await create(4 * MIB)).status).toBe(507);
    expect((await create(2 * MIB)).status).toBe(201);
  });

  test("fills up in the middle: 507, what was kept stays, and the upload goes on when there is room again", async () => {
    const folder = smallDisk(4 * MIB) ?? "";
    const app = new Application().mount("/files", uploads({ directory: folder, limits: { minFreeBytes: 0 } }));
    const bytes = new Uint8Array(3 * MIB).map((_, at) => at % 251);
    const metadata = `filename ${base64("big.bin")}`;
    const headers = { ...TUS, "Upload-Length": String(bytes.byteLength), "Upload-Metadata": metadata };
    const created = await app.fetch(new Request("http://localhost/files", { method: "POST", headers }));
    const url = `http://localhost${created.headers.get("location")}`;
    const append = (offset: number): Promise<Response> => {
      const fields = { ...OCTETS, "Upload-Offset": String(offset) };
      return app.fetch(new Request(url, { method: "PATCH", headers: fields, body: bytes.slice(offset) }));
    };
    const other = join(folder, "somebody-elses");
    writeFileSync(other, Buffer.alloc(2.5 * MIB));

    expect((await append(0)).status).toBe(507);
    const asked = await app.fetch(new Request(url, { method: "HEAD", headers: TUS }));
    const offset = Number(asked.headers.get("upload-offset"));
    expect(asked.status).toBe(200);
    expect(offset).toBeLessThan(bytes.byteLength);
    rmSync(other);
    expect((await append(offset)).status).toBe(204);
    expect(Buffer.compare(readFileSync(join(folder, "big.bin")), bytes)).toBe(0);
  });
});
