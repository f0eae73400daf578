/** aiohttp's client against our server, and our client against aiohttp's server. */
import { afterAll, describe, expect, test } from "vitest";
import { converse } from "./client-conversation.js";
import { GREETING, originApplication, patternBytes, sha256, streamedText, unexpected } from "./origin-application.js";
import { aiohttpPython, isAbsent, output, peerFile, startedServer } from "./peer-process.js";
import { closeAll, FILES, SCHEMES, serveOn } from "./places.js";

afterAll(closeAll);

describe.skipIf(isAbsent(aiohttpPython)).each(SCHEMES)("aiohttp over %s", (scheme) => {
  test("its client gets from our server what it should, over as many connections as it should need", async () => {
    const place = await serveOn(scheme, originApplication());
    const printed = await output(aiohttpPython, [peerFile("aiohttp_client.py"), place.url, FILES.authority]);
    const seen = JSON.parse(printed.toString("utf8")) as Record<string, unknown>;

    expect(seen).toMatchObject({
      hello: [200, GREETING],
      head: [200, String(Buffer.byteLength(GREETING)), ""],
      stream: ["chunked", sha256(Buffer.from(streamedText(2_000)))],
      gzip: sha256(Buffer.from(streamedText(500))),
      nothing: [204, ""],
      missing: 404,
      echoes: ["POST", "PUT", "PATCH", "DELETE", "QUERY"].map((method) => ({ method, length: 9, target: "/echo?q=1" })),
      chunked: { transferEncoding: "chunked", sha256: sha256(patternBytes(700_000)) },
      expected: { length: 9 },
      openedInTurn: 1,
      parallel: Array.from({ length: 40 }, (_, index) => sha256(patternBytes(index * 997))),
    });
    expect(seen["openedInAll"]).toBeLessThanOrEqual(4);
    expect(unexpected).toEqual([]);
  });

  test("its server answers our client", async () => {
    const tls = scheme === "https" ? [FILES.certificate, FILES.key] : [];
    const port = await startedServer(aiohttpPython, [peerFile("aiohttp_server.py"), ...tls]);
    await converse(`${scheme}://localhost:${port}`);
  });
});
