/** What our client sends beyond plain bodies, as others read it: forms, expectations, compressed bodies, trailers. */
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGunzip, gunzipSync } from "node:zlib";
import { Response as UndiciResponse } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MultipartInput } from "../../src/body/sending/multipart-parts.js";
import { newSession } from "./client-conversation.js";
import { patternBytes, sha256 } from "./origin-application.js";
import {
  aiohttpPython,
  freePort,
  httpbinPython,
  isAbsent,
  nginx,
  peerFile,
  startedOn,
  startedServer,
} from "./peer-process.js";
import { atEnd, closeAll } from "./places.js";

const LARGE = patternBytes(1_500_000);
const NAME = 'ö "quoted"; x=y.bin';
const folder = mkdtempSync(join(tmpdir(), "sluice-sending-"));

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

/** A form with something of everything; `streamed`: one of its parts has no known length. */
async function form(streamed: boolean): Promise<MultipartInput> {
  const path = join(folder, "form-file");
  writeFileSync(path, LARGE);
  return {
    text: "grüße\r\n--",
    empty: "",
    json: { json: { a: 1 } },
    file: new File([await openAsBlob(path)], NAME, { type: "image/x-test" }),
    bytes: { body: patternBytes(1_000), filename: "b.bin", headers: { "X-Note": "n" } },
    ...(streamed ? { stream: { body: pieces(LARGE), filename: "s.bin" } } : {}),
  };
}

async function startedNode(
  listener: RequestListener,
  ready: (server: Server) => void = () => undefined,
): Promise<string> {
  const server = createServer(listener);
  ready(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => server.closeAllConnections());
  atEnd(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`;
}

async function wholeOf(request: AsyncIterable<unknown>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of request) all.push(piece as Buffer);
  return Buffer.concat(all);
}

afterAll(closeAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(isAbsent(aiohttpPython))("aiohttp's server", () => {
  let url: string;
  beforeAll(async () => {
    url = `http://127.0.0.1:${await startedServer(aiohttpPython, [peerFile("form_server.py")])}`;
  });

  test.each([false, true])("reads a form, streamed: %s", async (streamed) => {
    const session = newSession();
    const { parts, length } = await session
      .post(`${url}/form`, { multipart: await form(streamed) })
      .json<{ parts: Record<string, unknown>[]; length: string | null }>();
    const large = { length: LARGE.byteLength, sha256: sha256(LARGE) };
    expect(parts.slice(0, 5)).toMatchObject([
      { name: "text", filename: null, type: null, sha256: sha256(Buffer.from("grüße\r\n--")) },
      { name: "empty", filename: null, length: 0 },
      { name: "json", type: "application/json", length: 7 },
      // aiohttp undoes percent escapes of file names, as few others do; both are the name.
      { name: "file", type: "image/x-test", ...large },
      { name: "bytes", filename: "b.bin", type: "application/octet-stream", note: "n", length: 1_000 },
    ]);
    expect(String(parts[3]?.["filename"]).replaceAll("%22", '"')).toBe(NAME);
    if (streamed) expect(parts[5]).toMatchObject({ name: "stream", filename: "s.bin", ...large });
    expect(length === null).toBe(streamed);
    await session.close();
  });

  test("asks for a body that waits, and undoes a compressed one", async () => {
    const session = newSession();
    for (const options of [
      { expectContinue: 10_000 },
      { compress: true },
      { compress: "deflate" },
      { compress: true, expectContinue: 10_000 },
    ] as const) {
      for (const body of [LARGE, pieces(LARGE)]) {
        const { sha256: seen } = await session.post(`${url}/plain`, { body, ...options }).json<{ sha256: string }>();
        expect(seen, JSON.stringify(options)).toBe(sha256(LARGE));
      }
    }
    await session.close();
  });
});

test.skipIf(isAbsent(httpbinPython))("httpbin (Werkzeug) reads a form", { timeout: 90_000 }, async () => {
  const port = await startedServer(httpbinPython, [peerFile("form_server.py"), "httpbin"]);
  const session = newSession();
  const answer = await session
    .post(`http://127.0.0.1:${port}/post`, { multipart: { ...(await form(false)), text: ["1", "2"] } })
    .json<{ form: Record<string, unknown>; files: Record<string, string> }>();
  expect(answer.form).toEqual({ text: ["1", "2"], empty: "", json: '{"a":1}' });
  expect(Object.keys(answer.files).sort()).toEqual(["bytes", "file"]);
  const file = answer.files["file"] ?? "";
  expect(sha256(Buffer.from(file.slice(file.indexOf(",") + 1), "base64"))).toBe(sha256(LARGE));
  await session.close();
});

test.each([
  ["Node's", Response],
  ["undici's", UndiciResponse as unknown as typeof Response],
])("%s formData() reads a form", async (_whose, Reader) => {
  let read: FormData | undefined;
  const url = await startedNode(async (request, response) => {
    const headers = { "content-type": request.headers["content-type"] ?? "" };
    read = await new Reader(await wholeOf(request), { headers }).formData();
    response.end();
  });
  const session = newSession();
  await session.post(url, { multipart: await form(true) }).text();
  expect([...(read?.keys() ?? [])]).toEqual(["text", "empty", "json", "file", "bytes", "stream"]);
  expect([read?.get("text"), read?.get("empty"), read?.get("json")]).toEqual(["grüße\r\n--", "", '{"a":1}']);
  const file = read?.get("file") as File;
  expect([file.name, file.type]).toEqual([NAME, "image/x-test"]);
  expect(sha256(new Uint8Array(await file.arrayBuffer()))).toBe(sha256(LARGE));
  const stream = read?.get("stream") as File;
  expect(sha256(new Uint8Array(await stream.arrayBuffer()))).toBe(sha256(LARGE));
  await session.close();
});

describe("node:http's server", () => {
  test("asks for a body that waits, by itself and in its own time", async () => {
    let asked = 0;
    const echo: RequestListener = async (request, response) => void response.end(sha256(await wholeOf(request)));
    const url = await startedNode(echo);
    const late = await startedNode(echo, (server) => {
      server.on("checkContinue", (request, response) => {
        asked += 1;
        setTimeout(() => {
          response.writeContinue();
          void echo(request, response);
        }, 30);
      });
    });
    const session = newSession(1);
    for (const to of [url, late]) {
      for (const body of ["small", LARGE, pieces(LARGE)]) {
        const expected = typeof body === "string" ? sha256(Buffer.from(body)) : sha256(LARGE);
        expect(await session.post(to, { body, expectContinue: 10_000 }).text()).toBe(expected);
      }
    }
    expect(asked).toBe(3);
    expect(Object.values(session.connector.stats()).map((stats) => (stats as { open: number }).open)).not.toContain(2);
    await session.close();
  });

  test("refuses before the body has begun; the next request comes on another connection and is not mixed up", async () => {
    let received = 0;
    const url = await startedNode(
      async (request, response) => {
        received += (await wholeOf(request)).byteLength;
        response.end("fine");
      },
      (server) => server.on("checkContinue", (_request, response) => void response.writeHead(413).end("too large")),
    );
    const session = newSession(1);
    const reports: number[] = [];
    const refused = await session.post(url, {
      body: LARGE,
      expectContinue: 10_000,
      onProgress: ({ transferred }) => reports.push(transferred),
    });
    expect([refused.status, await refused.text(), reports]).toEqual([413, "too large", []]);
    expect(await session.post(url, { body: "next" }).text()).toBe("fine");
    expect(received).toBe(4);
    await session.close();
  });

  test("417 is answered by the same request without the question", async () => {
    const heads: (string | undefined)[] = [];
    const url = await startedNode(
      async (request, response) => {
        heads.push(request.headers.expect);
        response.end(await wholeOf(request));
      },
      (server) =>
        server.on("checkContinue", (request, response) => {
          heads.push(request.headers.expect);
          response.writeHead(417).end();
        }),
    );
    const session = newSession();
    expect(await session.post(url, { body: "again", expectContinue: 10_000 }).text()).toBe("again");
    expect(heads).toEqual(["100-continue", undefined]);
    await session.close();
  });

  test("gets a compressed body that its own zlib undoes", async () => {
    const url = await startedNode(async (request, response) => {
      response.setHeader("x-coding", request.headers["content-encoding"] ?? "");
      response.end(sha256(await wholeOf(request.pipe(createGunzip()))));
    });
    const session = newSession();
    for (const body of [LARGE, pieces(LARGE), LARGE.subarray(0, 2_000)]) {
      const response = await session.post(url, { body, compress: true });
      const plain = body instanceof Uint8Array ? body : LARGE;
      expect([response.headers.get("x-coding"), await response.text()]).toEqual(["gzip", sha256(plain)]);
    }
    await session.close();
  });

  test("reads our trailers, and we read its", async () => {
    const url = await startedNode(async (request, response) => {
      const body = await wholeOf(request);
      const coded = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      response.writeHead(200, { Trailer: "x-sum, x-seen" });
      response.write("body");
      response.addTrailers({
        "x-sum": sha256(coded),
        "x-seen": JSON.stringify([request.headers.trailer, request.trailers]),
      });
      response.end();
    });
    const session = newSession(1);
    for (const compress of [false, true]) {
      const response = await session.post(url, {
        body: pieces(LARGE),
        compress,
        trailers: { "X-Late": async () => "now" },
      });
      expect(await response.text()).toBe("body");
      expect(response.trailers?.get("x-sum")).toBe(sha256(LARGE));
      expect(JSON.parse(response.trailers?.get("x-seen") ?? "")).toEqual(["X-Late", { "x-late": "now" }]);
    }
    await session.close();
  });

  test("that closes in the middle of an upload is a lost connection, and nothing of the source stays open", async () => {
    const url = await startedNode((request) => {
      request.once("data", () => request.socket.destroy());
    });
    const session = newSession();
    let released = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield LARGE;
      } finally {
        released = true;
      }
    }
    for (const options of [{}, { expectContinue: 10_000 }, { compress: true }]) {
      released = false;
      const body = { multipart: { a: { body: endless(), filename: "a" } }, ...options };
      const error: unknown = await session.post(url, body).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: "ConnectionLostError" });
      await expect.poll(() => released, { message: JSON.stringify(options) }).toBe(true);
    }
    await session.close();
  });
});

describe.skipIf(isAbsent(nginx))("nginx", () => {
  test("asks for what it will take, and refuses the rest before it is sent", async () => {
    const origin = await startedNode(async (request, response) => void response.end(sha256(await wholeOf(request))));
    const port = await freePort();
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${folder}/t;`,
    );
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr crit; ${process.getuid?.() === 0 ? "user root;" : ""}
       events { worker_connections 64; }
       http { access_log off; ${temporary.join(" ")} client_max_body_size 2m;
         server { listen 127.0.0.1:${port}; location / { proxy_pass ${origin}; proxy_http_version 1.1; } } }`,
    );
    await startedOn(port, nginx, ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")]);
    const session = newSession(1);
    const url = `http://127.0.0.1:${port}/`;
    for (const body of [LARGE, pieces(LARGE)]) {
      expect(await session.post(url, { body, expectContinue: 10_000 }).text()).toBe(sha256(LARGE));
    }
    const reports: number[] = [];
    const refused = await session.post(url, {
      body: new Uint8Array(3 * 1024 * 1024),
      expectContinue: 10_000,
      onProgress: ({ transferred }) => reports.push(transferred),
    });
    expect([refused.status, reports]).toEqual([413, []]);
    await refused.text();
    expect(await session.post(url, { body: LARGE }).text()).toBe(sha256(LARGE));
    await session.close();
  });
});
