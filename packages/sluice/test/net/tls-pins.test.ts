import { createHash, X509Certificate } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TlsError } from "../../src/errors.js";
import { checkTlsOptions, type TlsClientOptions } from "../../src/net/tls-client.js";
import { pinMismatch, pinsOf } from "../../src/net/tls-pins.js";
import { AUTHORITY, CLIENT, SELF_SIGNED, SERVER } from "./certificates.js";
import { dialed, dialFailure } from "./connected-pair.js";

const certificate = new X509Certificate(SERVER.cert);
const spki = certificate.publicKey.export({ type: "spki", format: "der" });
const KEY = createHash("sha256").update(spki).digest("base64");
const COLONS = certificate.fingerprint256;
const HEX = COLONS.replaceAll(":", "");

describe("a pin", () => {
  test.each([
    ["with colons", COLONS],
    ["without", HEX],
    ["in lower case", HEX.toLowerCase()],
    ["of the key, as curl has it", `sha256//${KEY}`],
    ["of the key, with one slash", `sha256/${KEY}`],
  ])("%s", (_how, pin) => {
    expect(pinMismatch(certificate.raw, pinsOf(pin))).toBeUndefined();
    expect(pinMismatch(new X509Certificate(CLIENT.cert).raw, pinsOf(pin))).toContain("its SHA-256 is");
  });

  test("one of several is enough", () => {
    const list = ["00".repeat(32), `sha256//${KEY}`];
    expect(pinMismatch(certificate.raw, pinsOf(list))).toBeUndefined();
    expect(pinsOf(list)).toBe(pinsOf(list));
    expect(pinMismatch(certificate.raw, pinsOf(["00".repeat(32)]))).toContain(`sha256//${KEY}`);
    expect(pinMismatch(undefined, pinsOf(list))).toBe("there is no certificate");
  });

  test.each([
    ["", ""],
    ["00".repeat(31), ""],
    ["00".repeat(33), ""],
    [`${"00".repeat(31)}0g`, ""],
    [`sha256//${KEY.slice(2)}`, ""],
    [`sha1//${KEY}`, ""],
    ["00".repeat(20), "MD5 and SHA-1 can be forged"],
    [`${"00:".repeat(15)}00`, "MD5 and SHA-1 can be forged"],
    [[], "an empty list"],
    [7, "received number"],
  ])("%j is none", (given, hint) => {
    expect(() => checkTlsOptions("tls", { fingerprint: given } as TlsClientOptions)).toThrow(
      expect.objectContaining({ code: "options/bad-fingerprint", message: expect.stringContaining(hint) }),
    );
  });
});

test("options of TLS that are unknown or out of range are refused", () => {
  const check = (options: object) => () => checkTlsOptions("connector.tls", options);
  expect(check({ fingerprints: COLONS })).toThrow(/connector\.tls option "fingerprints"/);
  expect(check({ maxCachedSessions: -1 })).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  expect(check({ minVersion: "TLSv1" })).toThrow(expect.objectContaining({ code: "options/unknown-value" }));
  for (const twice of [{ ca: "a" }, { cert: "a" }, { key: "a" }, { passphrase: "a" }, { minVersion: "TLSv1.3" }])
    expect(check({ secureContext: {}, ...twice })).toThrow(expect.objectContaining({ code: "options/conflict" }));
  expect(check({ secureContext: {}, fingerprint: HEX, ca: undefined })).not.toThrow();
  expect(check({ maxCachedSessions: Number.POSITIVE_INFINITY, minVersion: "TLSv1.3", fingerprint: HEX })).not.toThrow();
});

describe("a server", () => {
  /** Bytes that servers got inside of TLS. */
  let got = 0;
  const servers = [SERVER, SELF_SIGNED].map((material) => {
    return createServer(material, (socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (bytes) => {
        got += bytes.length;
      });
    });
  });
  const sockets = new Set<Socket>();
  const ports: number[] = [];

  beforeAll(async () => {
    for (const server of servers) {
      server.on("connection", (socket) => void sockets.add(socket));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      ports.push((server.address() as AddressInfo).port);
    }
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });

  test("that is pinned and trusted is spoken to", async () => {
    const tls = { ca: AUTHORITY, fingerprint: COLONS };
    (await dialed({ host: "localhost", port: ports[0] ?? 0, tls })).destroy();
  });

  test("that is trusted and not pinned is refused, before a byte is sent, with what it has shown", async () => {
    const tls = { ca: AUTHORITY, fingerprint: "00".repeat(32) };
    const error = await dialFailure({ host: "localhost", port: ports[0] ?? 0, tls });
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ code: "tls/fingerprint-mismatch", phase: "tls" });
    const { message } = error as TlsError;
    expect(message).toMatch(/^Cannot trust localhost:\d+: the certificate of localhost is none of those pinned: /);
    for (const fact of [COLONS, `sha256//${KEY}`, "signed by Sluice Test Authority", "valid from"]) {
      expect(message).toContain(fact);
    }
    expect(got).toBe(0);
  });

  test("that is pinned and not trusted is refused, unless trust is switched off", async () => {
    const fingerprint = new X509Certificate(SELF_SIGNED.cert).fingerprint256;
    const target = { host: "localhost", port: ports[1] ?? 0 };
    expect(await dialFailure({ ...target, tls: { fingerprint } })).toMatchObject({
      code: "tls/certificate-self-signed",
    });
    (await dialed({ ...target, tls: { fingerprint, rejectUnauthorized: false } })).destroy();
    const other = { fingerprint: COLONS, rejectUnauthorized: false };
    expect(await dialFailure({ ...target, tls: other })).toMatchObject({ code: "tls/fingerprint-mismatch" });
  });
});
