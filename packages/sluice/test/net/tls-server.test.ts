/** Certificates by name, and replaced while a listener goes on; over real sockets. */

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { type Listener, listen } from "../../src/net/listen.js";
import type { ServerTlsOptions, TlsMaterial } from "../../src/net/tls-server.js";
import type { Transport } from "../../src/net/transport.js";
import { AUTHORITY, CLIENT, EXPIRED, SELF_SIGNED, SERVER } from "./certificates.js";

const NAMES = new Map(
  Object.entries({ CLIENT, EXPIRED, SELF_SIGNED, SERVER }).map(([name, { cert }]) => [
    new X509Certificate(cert).fingerprint256,
    name,
  ]),
);
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of cleanUp.splice(0).reverse()) await job();
});

interface Listening {
  readonly listener: Listener;
  readonly accepted: Transport[];
}

async function listening(tls: ServerTlsOptions): Promise<Listening> {
  const accepted: Transport[] = [];
  const onConnection = (transport: Transport) => {
    accepted.push(transport);
    transport.attach({
      onData: (bytes) => void transport.write(bytes),
      onEnd: () => transport.end(),
      onDrain: () => undefined,
      onClose: () => undefined,
    });
  };
  const listener = await listen({ port: 0, host: "127.0.0.1", tls, onConnection });
  cleanUp.push(() => listener.close());
  return { listener, accepted };
}

async function connected({ address }: Listener, servername: string | undefined, more: ConnectionOptions = {}) {
  const { host = "", port = 0 } = address;
  const name = servername === undefined ? {} : { servername };
  const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"], ...name, ...more });
  cleanUp.push(() => socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

function certificateOf(socket: TLSSocket): string | undefined {
  return NAMES.get(socket.getPeerCertificate().fingerprint256);
}

/** Which certificate a client gets that asks for this name. */
async function shownTo(listener: Listener, servername: string | undefined): Promise<string | undefined> {
  const socket = await connected(listener, servername);
  const name = certificateOf(socket);
  socket.destroy();
  return name;
}

async function echoed(socket: TLSSocket, text: string): Promise<string> {
  socket.write(text);
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes.toString();
}

describe("certificates by name", () => {
  const hosts = { "exact.example.com": EXPIRED, "*.Example.com": SELF_SIGNED };

  test.each([
    ["exact.example.com", "EXPIRED"],
    ["EXACT.example.COM", "EXPIRED"],
    ["other.example.com", "SELF_SIGNED"],
    ["a.b.example.com", "SERVER"],
    ["example.com", "SERVER"],
    [undefined, "SERVER"],
  ])("a client that asks for %s gets %s", async (name, expected) => {
    const { listener } = await listening({ ...SERVER, hosts });
    expect(await shownTo(listener, name)).toBe(expected);
  });

  test("client certificates are checked against the host's authorities, or else against everybody's", async () => {
    const { listener, accepted } = await listening({
      ...SERVER,
      ca: AUTHORITY,
      clientCertificate: "request",
      hosts: { "strict.example.com": { ...EXPIRED, ca: SELF_SIGNED.cert }, "plain.example.com": EXPIRED },
    });
    const authorized: (boolean | undefined)[] = [];
    for (const name of ["localhost", "plain.example.com", "strict.example.com"]) {
      const socket = await connected(listener, name, CLIENT);
      expect(await echoed(socket, "x")).toBe("x");
      authorized.push(accepted.at(-1)?.peer().tls?.authorized);
    }
    expect(authorized).toEqual([true, true, false]);
  });
});

describe("replacing them", () => {
  test("handshakes from then on see the new ones, connections go on with the old", async () => {
    const { listener } = await listening({ ...SERVER, hosts: { "a.example.com": EXPIRED } });
    const old = await connected(listener, "localhost");
    const oldHost = await connected(listener, "a.example.com");
    listener.reloadTls?.({ ...SELF_SIGNED, hosts: { "a.example.com": SERVER, "b.example.com": EXPIRED } });
    expect(await shownTo(listener, "localhost")).toBe("SELF_SIGNED");
    expect(await shownTo(listener, undefined)).toBe("SELF_SIGNED");
    expect(await shownTo(listener, "a.example.com")).toBe("SERVER");
    expect(await shownTo(listener, "b.example.com")).toBe("EXPIRED");
    expect([await echoed(old, "still"), await echoed(oldHost, "there")]).toEqual(["still", "there"]);
    expect([certificateOf(old), certificateOf(oldHost)]).toEqual(["SERVER", "EXPIRED"]);
    listener.reloadTls?.(SERVER);
    expect(await shownTo(listener, "a.example.com")).toBe("SERVER");
    expect(await shownTo(listener, "b.example.com")).toBe("SERVER");
  });

  test("a client that resumes its session sees the new ones, too", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const { listener } = await listening(SERVER);
      const first = await connected(listener, "localhost", { maxVersion });
      const keep = first.getSession();
      const [session = keep] = maxVersion === "TLSv1.3" ? ((await once(first, "session")) as [Buffer]) : [keep];
      const resumed = await connected(listener, "localhost", { maxVersion, ...(session && { session }) });
      expect(resumed.isSessionReused()).toBe(true);
      listener.reloadTls?.(SELF_SIGNED);
      const again = await connected(listener, "localhost", { maxVersion, ...(session && { session }) });
      expect([again.isSessionReused(), certificateOf(again)]).toEqual([false, "SELF_SIGNED"]);
    }
  });

  test("the other rules stay: the oldest version, and who must have a certificate", async () => {
    const rules = { minVersion: "TLSv1.3", clientCertificate: "require", ca: AUTHORITY } as const;
    const { listener, accepted } = await listening({ ...SERVER, ...rules });
    listener.reloadTls?.({ ...SELF_SIGNED, ca: AUTHORITY, hosts: { "a.example.com": EXPIRED } });
    for (const name of ["localhost", "a.example.com"]) {
      await expect(connected(listener, name, { ...CLIENT, maxVersion: "TLSv1.2" })).rejects.toThrow(/version/i);
      const without = await connected(listener, name).catch((error: unknown) => error);
      if (!(without instanceof Error)) await once(without as TLSSocket, "error");
      expect(await echoed(await connected(listener, name, CLIENT), "in")).toBe("in");
    }
    expect(accepted.length).toBe(2);
  });

  test.each<[what: string, material: object, code: string]>([
    ["a key of another certificate", { cert: SELF_SIGNED.cert, key: SERVER.key }, "listen/bad-certificate"],
    ["half a certificate", { ...SELF_SIGNED, cert: SELF_SIGNED.cert.slice(0, 200) }, "listen/bad-certificate"],
    ["an empty key", { ...SELF_SIGNED, key: "" }, "listen/bad-certificate"],
    ["no certificate", { key: SELF_SIGNED.key }, "listen/bad-certificate"],
    [
      "bad material of a host",
      { ...SELF_SIGNED, hosts: { "a.test": { ...SERVER, key: CLIENT.key } } },
      "listen/bad-certificate",
    ],
    ["what is no host", { ...SELF_SIGNED, hosts: { "a.test:1": SERVER } }, "host/pattern"],
    ["a host twice", { ...SELF_SIGNED, hosts: { "a.test": SERVER, "A.test": SERVER } }, "host/pattern"],
    ["a rule that cannot be replaced", { ...SELF_SIGNED, minVersion: "TLSv1.3" }, "options/unknown"],
    [
      "an unknown option of a host",
      { ...SELF_SIGNED, hosts: { "a.test": { ...SERVER, alpn: [] } } },
      "options/unknown",
    ],
  ])("%s is refused, and what held before holds on", async (_what, material, code) => {
    const { listener } = await listening({ ...SERVER, hosts: { "a.example.com": EXPIRED } });
    const reload = () => listener.reloadTls?.(material as TlsMaterial);
    expect(reload).toThrow(UsageError);
    expect(reload).toThrow(expect.objectContaining({ code }));
    expect(await shownTo(listener, "localhost")).toBe("SERVER");
    expect(await shownTo(listener, "a.example.com")).toBe("EXPIRED");
  });

  test.each([
    ["clientCertificate", "required"],
    ["clientCertificate", true],
    ["minVersion", "TLSv1.1"],
  ])("%s: %s is refused: it would let in whom it should not", async (name, value) => {
    const tls = { ...SERVER, [name]: value } as ServerTlsOptions;
    const listening = listen({ port: 0, host: "127.0.0.1", tls, onConnection: () => undefined });
    await expect(listening).rejects.toMatchObject({ code: "options/unknown-value" });
  });

  test("no key is quoted in what is said of it", async () => {
    const { listener } = await listening(SERVER);
    const secret = SERVER.key.slice(60, 100);
    const reload = () => listener.reloadTls?.({ cert: SERVER.cert, key: `not a key ${secret}` });
    expect(reload).toThrow(expect.objectContaining({ message: expect.not.stringContaining(secret) }));
  });

  test("a listener without TLS has none to replace", async () => {
    const listener = await listen({ port: 0, host: "127.0.0.1", onConnection: () => undefined });
    cleanUp.push(() => listener.close());
    expect(() => listener.reloadTls?.(SERVER)).toThrow(expect.objectContaining({ code: "listen/no-tls" }));
  });
});
