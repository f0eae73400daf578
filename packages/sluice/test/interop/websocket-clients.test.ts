/** Our sockets and clients of other makers: ws, undici, Chromium, aiohttp and autobahn, directly and through nginx; curl's handshake. */
import { chromium } from "playwright-core";
import { WebSocket as UndiciWebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WsWebSocket from "ws";
import { startedNginx } from "./nginx-process.js";
import {
  aiohttpPython,
  autobahnPython,
  chromiumPath,
  curl,
  isAbsent,
  nginx,
  output,
  peerFile,
} from "./peer-process.js";
import { atEnd, closeAll, serveOn } from "./places.js";
import { type SocketMaker, type Spoken, speak, websocketApplication, wellSpoken } from "./websocket-application.js";

const { app, ends, errors } = websocketApplication();
let origin: string;

beforeAll(async () => {
  const { port } = await serveOn("http", app);
  origin = `127.0.0.1:${port}`;
});
afterAll(closeAll);
// What a handler threw is the one thing that is reported.
afterAll(() => expect(new Set(errors.map(String))).toEqual(new Set(["Error: the handler broke"])));

function expectWell(spoken: Spoken, compressed: boolean): void {
  expect({ ...spoken, extensions: spoken.extensions.split(";")[0] }).toEqual(wellSpoken(compressed));
}

/** ws compresses small messages only when told to; the interface is the browsers'. */
class Ws extends WsWebSocket {
  constructor(url: string, protocols?: string[]) {
    super(url, protocols, { perMessageDeflate: { threshold: 0 } });
  }
}

const MAKERS: readonly (readonly [name: string, maker: SocketMaker])[] = [
  ["ws", Ws as unknown as SocketMaker],
  ["undici", UndiciWebSocket as unknown as SocketMaker],
];

describe.each(MAKERS)("%s", (_name, maker) => {
  test.each([false])("speaks with our server; compressed: %s", async (compressed) => {
    expectWell(await speak(maker, `ws://${origin}`, compressed ? "/echo" : "/plain"), compressed);
    if (compressed) expect(ends.at(-2)).toEqual({ code: 3456, reason: "own" });
  });
});

describe.skipIf(isAbsent(nginx))("nginx in front", () => {
  test("passes sockets on with the block of the guide", async () => {
    const block = `location / { proxy_pass http://${origin}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_set_header Host $http_host;
      proxy_read_timeout 75s; }`;
    const url = (await startedNginx("http", block)).replace("http:", "ws:");
    expectWell(await speak(Ws as unknown as SocketMaker, url, "/plain"), false);
  });
});

describe.skipIf(isAbsent(chromiumPath))("Chromium", () => {
  test.each([false])(
    "speaks with our server; compressed: %s",
    async (compressed) => {
      const browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: ["--no-sandbox"] });
      atEnd(() => browser.close());
      const page = await browser.newPage();
      await page.goto(`http://${origin}/`);
      const program = `(${speak.toString()})(WebSocket, "ws://${origin}", "${compressed ? "/echo" : "/plain"}")`;
      expectWell((await page.evaluate(program)) as Spoken, compressed);
      // A page of another site must not.
      await page.goto(`http://localhost:${origin.split(":")[1]}/`);
      const foreign = `new Promise((resolve) => {
      const socket = new WebSocket("ws://${origin}/echo");
      socket.onopen = () => resolve("open");
      socket.onclose = ({ code }) => resolve(code);
    })`;
      expect(await page.evaluate(foreign)).toBe(1006);
      await browser.close();
    },
    30_000,
  );
});

const PYTHON_CLIENTS = [
  ["aiohttp", aiohttpPython, "aiohttp_websocket_client.py"],
  ["autobahn", autobahnPython, "autobahn_client.py"],
] as const;
describe.each(PYTHON_CLIENTS)("%s", (_name, python, file) => {
  test.skipIf(isAbsent(python)).each([false])("speaks with our server; compressed: %s", async (compressed) => {
    const path = compressed ? "/echo" : "/plain";
    const printed = await output(python, [peerFile(file), `ws://${origin}`, path]);
    expect(JSON.parse(printed.toString())).toEqual({
      protocol: "echo.v2",
      compressed,
      texts: ["hello", "", "ünï 🎉"],
      binary: true,
      large: true,
      pong: true,
      closes: { "1000": "because", "1008": "because", "1011": "because", "4999": "because" },
      tooBig: 1009,
    });
  });
});

describe.skipIf(isAbsent(curl))("curl", () => {
  const handshake = [
    ...["-H", "Connection: Upgrade", "-H", "Upgrade: websocket"],
    ...["-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
  ];

  test("is shaken hands with, and told the end", async () => {
    const printed = (
      await output(curl, ["-sS", "-i", "--http1.1", "--no-buffer", ...handshake, `http://${origin}/close/1000`])
    ).toString("latin1");
    expect(printed).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(printed).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    expect(printed).toContain("\r\n\r\n\x88\x09\x03\xe8because");
  });

  test("without a handshake is told what to do", async () => {
    const printed = (await output(curl, ["-sS", "-i", `http://${origin}/echo`])).toString();
    expect(printed).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
    expect(printed).toMatch(/\r\nUpgrade: websocket\r\n/);
    expect(printed).toMatch(/\r\nSec-WebSocket-Version: 13\r\n/);
  });
});
