/** Our sockets and clients of other makers: ws, undici, aiohttp and autobahn, directly and through nginx; curl's handshake. */
import { readFileSync } from "node:fs";
import { WebSocket as UndiciWebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WsWebSocket from "ws";
import { startedNginx } from "./nginx-process.js";
import { aiohttpPython, autobahnPython, curl, isAbsent, nginx, output, peerFile } from "./peer-process.js";
import { closeAll, serveOn } from "./places.js";
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
  test.each([true, false])("speaks with our server; compressed: %s", async (compressed) => {
    expectWell(await speak(maker, `ws://${origin}`, compressed ? "/echo" : "/plain"), compressed);
    if (compressed) expect(ends).toContainEqual({ code: 3456, reason: "own" });
  });
});

describe.skipIf(isAbsent(nginx))("nginx in front", () => {
  test("passes sockets on with the blocks of the guide", async () => {
    const guide = readFileSync(new URL("../../../../docs/websocket-server.md", import.meta.url), "utf8");
    const [map = "", location = ""] = [...guide.matchAll(/^```nginx\n(.*?)^```/gms)].map(([, block = ""]) => block);
    expect(location).toContain("127.0.0.1:8080");
    const url = await startedNginx("http", location.replace("127.0.0.1:8080", origin), map);
    expectWell(await speak(Ws as unknown as SocketMaker, url.replace("http:", "ws:"), "/echo"), true);
    const same = new WsWebSocket(`${url.replace("http:", "ws:")}/returns`, { origin: url });
    await new Promise((resolve) => same.on("open", resolve));
    same.send("go");
    expect(await new Promise((resolve) => same.on("close", resolve))).toBe(1000);
  });
});

const PYTHON_CLIENTS = [
  ["aiohttp", aiohttpPython, "aiohttp_websocket_client.py"],
  ["autobahn", autobahnPython, "autobahn_client.py"],
] as const;
describe.each(PYTHON_CLIENTS)("%s", (_name, python, file) => {
  test.skipIf(isAbsent(python)).each([true, false])("speaks with our server; compressed: %s", async (compressed) => {
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
