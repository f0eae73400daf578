/** The same files, asked the same of nginx and of us: status, fields and bytes compared; and curl, which resumes what was cut off. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { Application } from "../../src/server/application.js";
import { curl, freePort, isAbsent, nginx, output, startedOn } from "./peer-process.js";
import { atEnd, closeAll } from "./places.js";

const OLD = new Date("2024-05-01T12:00:00Z");
const MODIFIED = "Wed, 01 May 2024 12:00:00 GMT";
const TEXT = "abcdefghijklmnopqrstuvwxyz".repeat(100);
const LARGE = Buffer.alloc(700_000, TEXT);

let folder: string;
let ours: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-static-peer-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "root/docs"), { recursive: true });
  const files = { "text.txt": TEXT, "large.bin": LARGE, "docs/index.html": "<h1>docs", "empty.txt": "" };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, "root", name), content);
    utimesSync(join(folder, "root", name), OLD, OLD);
  }
  // By this clock the files have been there for long: from the first moment on they have dates and strong tags.
  const clock = new ManualClock({ wallTime: Date.now() + 60_000 });
  const server = await new Application({ clock })
    .static("/", join(folder, "root"))
    .listen({ host: "127.0.0.1", port: 0 });
  atEnd(() => server.close({ grace: 0 }));
  ours = server.url;
});
afterAll(closeAll);

/** One answer as curl wrote it down. */
interface Answer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

async function ask(url: string, ...args: string[]): Promise<Answer> {
  const bytes = await output(curl, ["-sS", "-i", "--path-as-is", "--max-time", "10", ...args, url]);
  const headEnd = bytes.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    fields[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(statusLine.split(" ")[1]), fields, body: bytes.subarray(headEnd + 4) };
}

describe.skipIf(isAbsent(curl) || isAbsent(nginx))("the same requests to nginx and to us", () => {
  let theirs: string;

  beforeAll(async () => {
    const port = await freePort();
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${folder}/t;`,
    );
    const config = `
      daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr crit;
      ${process.getuid?.() === 0 ? "user root;" : ""}
      events { worker_connections 64; }
      http {
        access_log off; default_type application/octet-stream; ${temporary.join(" ")}
        types { text/plain txt; text/html html; } charset utf-8;
        server { listen 127.0.0.1:${port}; root ${folder}/root; absolute_redirect off; }
      }`;
    writeFileSync(join(folder, "nginx.conf"), config);
    await startedOn(port, nginx, ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")]);
    theirs = `http://127.0.0.1:${port}`;
  });

  test.each<[string, readonly string[]]>([
    ["/text.txt", []],
    ["/large.bin", []],
    ["/empty.txt", []],
    ["/docs/", []],
    ["/none", []],
    ["/text.txt/", []],
    ["/text.txt", ["-r", "0-9"]],
    ["/text.txt", ["-r", "2590-"]],
    ["/text.txt", ["-r", "-5"]],
    ["/text.txt", ["-r", "0-99999"]],
    ["/text.txt", ["-r", "2600-"]],
    ["/large.bin", ["-r", "262143-262145"]],
    ["/large.bin", ["-r", "-300000"]],
    ["/text.txt", ["-H", "Range: bytes=x"]],
    ["/text.txt", ["-H", "Range: lines=0-1"]],
    ["/text.txt", ["-H", `If-Modified-Since: ${MODIFIED}`]],
    ["/text.txt", ["-H", "If-Modified-Since: Wed, 01 May 2024 11:59:59 GMT"]],
    ["/text.txt", ["-H", "If-Unmodified-Since: Wed, 01 May 2024 11:59:59 GMT"]],
    ["/text.txt", ["-H", 'If-Match: "other"']],
    ["/text.txt", ["-H", "If-None-Match: *"]],
    ["/text.txt", ["-r", "0-1", "-H", `If-Range: ${MODIFIED}`]],
    ["/text.txt", ["-r", "0-1", "-H", "If-Range: Wed, 01 May 2024 11:00:00 GMT"]],
    ["/text.txt", ["-r", "0-1", "-H", 'If-Range: "other"']],
  ])("%s %j is answered alike", async (path, args) => {
    const [own, other] = await Promise.all([ask(ours + path, ...args), ask(theirs + path, ...args)]);
    // A range that is none may be passed over or refused (RFC 9110 §14.2): nginx refuses.
    if (args.some((arg) => arg.includes("bytes=x"))) {
      expect([own.status, other.status]).toEqual([200, 416]);
      return;
    }
    expect(own.status).toBe(other.status);
    expect(own.fields["content-range"]).toBe(other.fields["content-range"]);
    if (own.status >= 300) return;
    expect(own.body.equals(other.body)).toBe(true);
    for (const name of ["content-length", "content-type", "last-modified", "accept-ranges"]) {
      if (other.fields[name] !== undefined) expect([name, own.fields[name]]).toEqual([name, other.fields[name]]);
    }
  });

  test("several ranges have the same parts in the same order", async () => {
    for (const path of ["/text.txt", "/large.bin"]) {
      const args = ["-r", "5-9,100-104,-3"];
      const [own, other] = await Promise.all([ask(ours + path, ...args), ask(theirs + path, ...args)]);
      expect([own.status, other.status]).toEqual([206, 206]);
      expect(partsOf(own)).toEqual(partsOf(other));
      expect(own.body.length).toBe(Number(own.fields["content-length"]));
    }
  });
});

describe.skipIf(isAbsent(curl))("curl", () => {
  test("goes on where it was cut off, and has the file", async () => {
    const file = join(folder, "resumed.bin");
    writeFileSync(file, LARGE.subarray(0, 123_456));
    await output(curl, ["-sS", "-C", "-", "-o", file, `${ours}/large.bin`]);
    expect((await output("cat", [file])).equals(LARGE)).toBe(true);
  });

  test("asks again by tag and date and is told that nothing is new", async () => {
    const file = join(folder, "tag");
    await output(curl, ["-sS", "--etag-save", file, "-o", join(folder, "first"), `${ours}/text.txt`]);
    const again = await ask(`${ours}/text.txt`, "--etag-compare", file);
    expect(again.status).toBe(304);
    expect((await ask(`${ours}/text.txt`, "-z", MODIFIED)).status).toBe(304);
  });
});

/** The parts of a multipart answer: what they are of, and their bytes. */
function partsOf({ fields, body }: Answer): [range: string, content: string][] {
  const boundary = /boundary=(\S+)/.exec(fields["content-type"] ?? "")?.[1] ?? "?";
  const parts = body.toString("latin1").split(`--${boundary}`).slice(1, -1);
  return parts.map((part) => {
    const [head = "", ...rest] = part.split("\r\n\r\n");
    return [/Content-Range: (.*)/i.exec(head)?.[1]?.trim() ?? "", rest.join("\r\n\r\n")];
  });
}
