import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { Progress } from "../../src/body/progress.js";
import { answer, FakeNet, ok, redirect, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";
const CHUNKED = "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n";

function short({ transferred, total, done }: Progress): unknown[] {
  return [transferred, total, done];
}

// Uploads.

test("a small upload reports once, when it has left", async () => {
  const reports: Progress[] = [];
  await new FakeNet().session().post(URL_A, { json: { a: 1 }, onProgress: (progress) => reports.push(progress) });
  expect(reports.map(short)).toEqual([[7, 7, true]]);
});

test("an upload counts what the connection took, not what the source could give", async () => {
  const net = new FakeNet();
  const reports: Progress[] = [];
  let given = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 4; at += 1) {
      await net.clock.advance(100);
      given += 10_000;
      yield new Uint8Array(10_000);
    }
  }
  await net.session().put(URL_A, { body: source(), onProgress: (progress) => reports.push(progress) });
  expect(given).toBe(40_000);
  expect(reports.map(short)).toEqual([
    [10_000, undefined, false],
    [20_000, undefined, false],
    [30_000, undefined, false],
    [40_000, undefined, false],
    [40_000, 40_000, true],
  ]);
  expect(reports[3]?.rate).toBeCloseTo(100_000, 0);
});

test("an upload to a peer that takes nothing stands still, and one that is cut short is never done", async () => {
  const net = new FakeNet();
  net.connected = (connection) => {
    connection.ignoring = true;
    connection.transport.pause();
  };
  const reports: Progress[] = [];
  const body = new Uint8Array(8 * 1024 * 1024);
  const upload = net
    .session()
    .put(URL_A, { body, onProgress: (progress) => reports.push(progress), timeout: { write: 500 } });
  const error = rejection(upload);
  await turns();
  await net.clock.advance(500);
  expect((await error).code).toBe("timeout.write");
  expect(reports.every(({ done, transferred }) => !done && transferred < body.byteLength / 2)).toBe(true);
});

test("a body that is sent again starts again from nothing", async () => {
  let asked = 0;
  const net = new FakeNet(() => {
    asked += 1;
    return asked === 1 ? redirect(307, "/y") : ok("done");
  });
  const reports: Progress[] = [];
  await net.session().put(URL_A, { body: "abc", onProgress: (progress) => reports.push(progress) });
  expect(reports.map(short)).toEqual([
    [3, 3, true],
    [3, 3, true],
  ]);
});

test("what an upload's listener throws ends the request, which rejects with just that", async () => {
  for (const body of ["small", new Uint8Array(300_000)]) {
    const net = new FakeNet();
    const enough = new Error("enough");
    const session = net.session({ retry: 3 });
    const error = await rejection(
      session.put(URL_A, {
        body,
        onProgress: () => {
          throw enough;
        },
      }),
    );
    expect(error).toBe(enough);
    await turns();
    expect(net.open).toBe(0);
    expect(net.connections.length).toBe(1);
    expect(await session.get(URL_A).text()).toBe("ok");
  }
});

test("a listener may abort the request it listens to", async () => {
  const controller = new AbortController();
  const stop = new Error("stop");
  const upload = new FakeNet()
    .session()
    .put(URL_A, { body: "x", signal: controller.signal, onProgress: () => controller.abort(stop) });
  expect(await rejection(upload)).toBe(stop);
});

test("onProgress without a body to send is refused, and so is what is no function", async () => {
  const session = new FakeNet().session();
  const error = await rejection(session.get(URL_A, { onProgress: () => undefined }));
  expect([error.code, error.message]).toEqual(["options/conflict", expect.stringContaining("onDownloadProgress")]);
  expect((await rejection(session.get(URL_A, { onDownloadProgress: 5 as never }))).code).toBe("options/unknown-value");
  expect((await rejection(session.post(URL_A, { json: 1, onProgress: {} as never }))).code).toBe(
    "options/unknown-value",
  );
});

// Downloads.

test("a download counts bytes from the wire against the length that was declared", async () => {
  const net = new FakeNet(async ({ connection }) => {
    connection.send("HTTP/1.1 200 \r\ncontent-length: 30\r\n\r\n");
    for (let at = 0; at < 3; at += 1) {
      await turns(2);
      await net.clock.advance(100);
      connection.send("0123456789");
    }
    return undefined;
  });
  const reports: Progress[] = [];
  const text = await net
    .session()
    .get(URL_A, { onDownloadProgress: (progress) => reports.push(progress) })
    .text();
  expect(text.length).toBe(30);
  expect(reports.map(short)).toEqual([
    [10, 30, false],
    [20, 30, false],
    [30, 30, false],
    [30, 30, true],
  ]);
});

test("a compressed download counts coded bytes, a chunked one learns its total at the end, none at all is done at once", async () => {
  const coded = gzipSync("a".repeat(10_000));
  const answers: [string | Uint8Array, unknown[]][] = [
    [ok(coded.toString("latin1"), "content-encoding: gzip\r\n"), [coded.byteLength, coded.byteLength, true]],
    [`${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`, [5, 5, true]],
    ["HTTP/1.1 204 \r\n\r\n", [0, 0, true]],
  ];
  for (const [wire, expected] of answers) {
    const reports: Progress[] = [];
    await new FakeNet(() => wire)
      .session()
      .get(URL_A, { onDownloadProgress: (progress) => reports.push(progress) })
      .bytes();
    expect(reports.map(short)).toEqual([expected]);
  }
});

test("the bodies of redirects that are followed are none of the listener's business", async () => {
  const net = new FakeNet(({ target }) => (target === "/x" ? answer(302, "moved", "location: /y\r\n") : ok("there")));
  const reports: Progress[] = [];
  const options = { onDownloadProgress: (progress: Progress) => reports.push(progress) };
  await net.session().get(URL_A, options).text();
  expect(reports.map(short)).toEqual([[5, 5, true]]);
  await net.session().get(URL_A, { ...options, redirect: "manual" });
  expect(reports.length).toBe(2);
});

test("a download that breaks off is never done", async () => {
  const net = new FakeNet(async ({ connection }) => {
    connection.send("HTTP/1.1 200 \r\ncontent-length: 30\r\n\r\n0123456789");
    await turns(2);
    connection.reset();
    return undefined;
  });
  const reports: Progress[] = [];
  await rejection(
    net
      .session()
      .get(URL_A, { onDownloadProgress: (progress) => reports.push(progress) })
      .text(),
  );
  expect(reports.filter(({ done }) => done)).toEqual([]);
});

test("a download that is discarded is no download", async () => {
  const net = new FakeNet(async ({ connection }) => {
    connection.send("HTTP/1.1 200 \r\ncontent-length: 30\r\n\r\n0123456789");
    return undefined;
  });
  const reports: Progress[] = [];
  const response = await net.session().get(URL_A, { onDownloadProgress: (progress) => reports.push(progress) });
  response.discard();
  await net.clock.advance(200);
  net.connections[0]?.send("01234567890123456789");
  await turns();
  expect(reports).toEqual([]);
});

test("what a download's listener throws reaches whoever reads the body", async () => {
  const enough = new Error("enough");
  const options = {
    onDownloadProgress: () => {
      throw enough;
    },
  };
  const net = new FakeNet();
  const session = net.session();
  expect(await rejection(session.get(URL_A, options).text())).toBe(enough);
  const response = await session.get(URL_A, options);
  expect(await rejection(response.text())).toBe(enough);
  await turns();
  expect(await session.get(URL_A).text()).toBe("ok");
});

// Files.

test("save tells of what has been written, and last when the file is there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-progress-"));
  try {
    const path = join(folder, "file");
    const net = new FakeNet(() => ok("0123456789"));
    const seen: [unknown[], string[]][] = [];
    const onProgress = (progress: Progress) => seen.push([short(progress), readdirSync(folder)]);
    expect(await net.session().get(URL_A).save(path, { onProgress })).toBe(10);
    expect(seen).toEqual([[[10, 10, true], ["file"]]]);
    const response = await net.session().get(URL_A);
    expect(await response.save(path, { onProgress })).toBe(10);
    expect(readFileSync(path, "utf8")).toBe("0123456789");
    expect(seen.length).toBe(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what save's listener throws ends the saving, and leaves no file before the end", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-progress-"));
  try {
    const net = new FakeNet(async ({ connection }) => {
      connection.send("HTTP/1.1 200 \r\ncontent-length: 20\r\n\r\n0123456789");
      return undefined;
    });
    const enough = new Error("enough");
    const response = await net.session().get(URL_A);
    await net.clock.advance(200);
    const saving = response.save(join(folder, "file"), {
      onProgress: () => {
        throw enough;
      },
    });
    const error = rejection(saving);
    await turns();
    await net.clock.advance(200);
    net.connections[0]?.send("01234");
    expect(await error).toBe(enough);
    expect(readdirSync(folder)).toEqual([]);
    expect(
      (
        await rejection(
          net
            .session()
            .get(URL_A)
            .save(folder, { onProgres: 1 } as never),
        )
      ).code,
    ).toBe("options/unknown");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
