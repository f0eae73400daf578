/** curl against our server. */
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Echo,
  GREETING,
  originApplication,
  patternBytes,
  sha256,
  streamedText,
  unexpected,
} from "./origin-application.js";
import { curl, isAbsent, output } from "./peer-process.js";
import { atEnd, closeAll, FILES, type Place, SCHEMES, serveOn, serveOnUnixSocket } from "./places.js";

const BODY = patternBytes(700_000);
const bodyFile = join(tmpdir(), `sluice-curl-${randomUUID()}`);

/** What curl prints on standard output, in latin1 unless it is text. */
async function curled(...args: readonly string[]): Promise<string> {
  const bytes = await output(curl, ["--silent", "--show-error", "--http1.1", "--cacert", FILES.authority, ...args]);
  return bytes.toString("utf8");
}

function echoed(text: string): Echo {
  return JSON.parse(text) as Echo;
}

afterAll(closeAll);

describe.skipIf(isAbsent(curl)).each(SCHEMES)("curl and our server over %s", (scheme) => {
  let place: Place;

  beforeAll(async () => {
    place = await serveOn(scheme, originApplication());
    await writeFile(bodyFile, BODY);
    atEnd(() => rm(bodyFile, { force: true }));
  });

  test("gets text, its head alone, chunks, a coded body, and what there is for a wrong path or method", async () => {
    expect(await curled(`${place.url}/hello`)).toBe(GREETING);
    const head = await curled("--head", `${place.url}/hello`);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(GREETING)}\r\n`);
    const streamed = await curled("--include", `${place.url}/stream/1000`);
    expect(streamed).toContain("Transfer-Encoding: chunked\r\n");
    expect(streamed.endsWith(`\r\n\r\n${streamedText(1_000)}`)).toBe(true);
    expect(await curled("--compressed", `${place.url}/gzip`)).toBe(streamedText(500));
    expect(await curled("--write-out", "%{http_code}", "-o", "/dev/null", `${place.url}/missing`)).toBe("404");
    expect(await curled("--include", "-X", "PUT", `${place.url}/hello`)).toMatch(
      /^HTTP\/1\.1 405 .*\r\n[\s\S]*Allow: GET, HEAD/,
    );
    expect(await curled("--include", "-X", "DELETE", `${place.url}/nothing`)).toMatch(/^HTTP\/1\.1 204 No Content\r\n/);
    expect(await curled("--include", "-X", "OPTIONS", `${place.url}/echo`)).toMatch(
      /^HTTP\/1\.1 204[\s\S]*Allow: [^\r]*QUERY/,
    );
  });

  test("sends every method, a body of known length, and one in chunks", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"]) {
      const echo = echoed(await curled("-X", method, "--data", "a=b", "--cookie", "c=d", `${place.url}/echo?q`));
      expect(echo).toMatchObject({ method, target: "/echo?q", length: 3, contentLength: "3", cookie: "c=d" });
    }
    const sized = echoed(await curled("--data-binary", `@${bodyFile}`, `${place.url}/echo`));
    expect(sized).toMatchObject({ method: "POST", sha256: sha256(BODY), contentLength: "700000" });
    const chunked = ["--upload-file", bodyFile, "--header", "Transfer-Encoding: chunked"];
    expect(echoed(await curled(...chunked, `${place.url}/echo`))).toMatchObject({
      method: "PUT",
      sha256: sha256(BODY),
      contentLength: null,
      transferEncoding: "chunked",
    });
  });

  test("is told to continue when it asks, and refused without having sent its body", async () => {
    const expecting = [
      "--expect100-timeout",
      "30",
      "--header",
      "Expect: 100-continue",
      "--data-binary",
      `@${bodyFile}`,
    ];
    const began = performance.now();
    const continued = await curled("--include", ...expecting, `${place.url}/echo`);
    expect(continued).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(continued).toContain(sha256(BODY));
    const figures = ["--write-out", "%{http_code} %{size_upload}", "-o", "/dev/null"];
    expect(await curled(...figures, ...expecting, `${place.url}/refuse`)).toBe("413 0");
    // Had it waited for a 100 that does not come, it would have taken its half minute.
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test("uses one connection for several requests, one each with HTTP/1.0 or when it asks for that", async () => {
    const connects = ["--write-out", "%{num_connects} "];
    const urls = ["a", "b", "c"].flatMap((query) => [`${place.url}/hello?${query}`, "-o", "/dev/null"]);
    expect(await curled(...connects, ...urls)).toBe("1 0 0 ");
    expect(await curled(...connects, "--header", "Connection: close", ...urls)).toBe("1 1 1 ");
    expect(await curled(...connects, "--http1.0", ...urls)).toBe("1 1 1 ");
    // HTTP/1.0 has no chunks (RFC 9112 §7): the end of the connection ends the body.
    const plain = await curled("--http1.0", "--include", `${place.url}/stream/300`);
    expect(plain).not.toContain("Transfer-Encoding");
    expect(plain.endsWith(`\r\n\r\n${streamedText(300)}`)).toBe(true);
  });

  test("sixteen at once, large and small, all arrive whole", async () => {
    const urls = Array.from({ length: 16 }, (_, index) => `${place.url}/bytes/${index * 50_000}`);
    const sizes = await curled(
      "--parallel",
      "--write-out",
      "%{http_code}:%{size_download}\n",
      ...urls.flatMap((url) => [url, "-o", "/dev/null"]),
    );
    const expected = urls.map((_, index) => `200:${index * 50_000}`);
    expect(sizes.trim().split("\n").sort()).toEqual(expected.sort());
  });

  test("nothing went wrong on the server's side", () => {
    expect(unexpected).toEqual([]);
  });
});

describe.skipIf(isAbsent(curl))("curl and our server over a Unix socket", () => {
  test("gets text and sends a body", async () => {
    const path = await serveOnUnixSocket(originApplication());
    expect(await curled("--unix-socket", path, "http://localhost/hello")).toBe(GREETING);
    const echo = echoed(await curled("--unix-socket", path, "--data", "a=b", "http://localhost/echo"));
    expect(echo).toMatchObject({ method: "POST", length: 3 });
  });
});
