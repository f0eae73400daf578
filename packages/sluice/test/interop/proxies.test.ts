/** Our client through other people's proxies: HTTP by passing on and by CONNECT, and SOCKS 5. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProxyOptions } from "../../src/client/proxy/proxy-options.js";
import { converse } from "./client-conversation.js";
import { GREETING, originApplication, patternBytes, sha256 } from "./origin-application.js";
import { freePort, isAbsent, microsocks, nginx, tinyproxy } from "./peer-process.js";
import { closeAll, SCHEMES, type Scheme, serveOn } from "./places.js";
import { refusal, sessionBy } from "./proxied-session.js";
import {
  PASSWORD,
  startedForwardingNginx,
  startedMicrosocks,
  startedTinyproxy,
  TINYPROXY_PASSWORD,
  USER,
} from "./proxy-peers.js";

const LARGE = 1024 * 1024;
const ports: Record<Scheme, number> = { http: 0, https: 0 };

beforeAll(async () => {
  for (const scheme of SCHEMES) ports[scheme] = (await serveOn(scheme, originApplication())).port;
});
afterAll(closeAll);

describe.skipIf(isAbsent(tinyproxy))("tinyproxy", () => {
  test("everything gets through its tunnels", async () => {
    const port = await startedTinyproxy(false);
    await converse(`https://127.0.0.1:${ports.https}`, sessionBy(`http://127.0.0.1:${port}`));
    const tunnel: ProxyOptions = { url: `http://127.0.0.1:${port}`, tunnel: true };
    await converse(`http://127.0.0.1:${ports.http}`, sessionBy(tunnel));
  });

  test("requests that it passes on arrive, and their answers come back", async () => {
    const port = await startedTinyproxy(false);
    const session = sessionBy(`http://127.0.0.1:${port}`);
    const url = `http://127.0.0.1:${ports.http}`;
    // It closes each connection after its answer without saying so: only what may be sent twice is.
    for (let round = 0; round < 3; round += 1) {
      expect(await session.get(`${url}/hello?${round}`).text()).toBe(GREETING);
      expect(sha256(await session.get(`${url}/bytes/${LARGE}`).bytes())).toBe(sha256(patternBytes(LARGE)));
      const echo = await session.put(`${url}/echo`, { body: patternBytes(LARGE) }).json();
      expect(echo).toMatchObject({ length: LARGE, sha256: sha256(patternBytes(LARGE)) });
    }
    await session.close();
  });

  test("with credentials it lets us in, without and with wrong ones it says what it wants", async () => {
    const port = await startedTinyproxy(true);
    for (const scheme of SCHEMES) {
      const url = `${scheme}://127.0.0.1:${ports[scheme]}/hello`;
      const session = sessionBy(`http://${USER}:${TINYPROXY_PASSWORD}@127.0.0.1:${port}`);
      expect(await session.get(url).text()).toBe(GREETING);
      await session.close();
      const error = await refusal(sessionBy(`http://127.0.0.1:${port}`), url);
      expect([error.code, error.status]).toEqual(["proxy/authentication-required", 407]);
      expect(error.message).toContain(`The proxy http://127.0.0.1:${port} wants credentials (Basic)`);
    }
    // It answers wrong ones with 401, as an origin would.
    const wrong = sessionBy(`http://${USER}:wrong-one@127.0.0.1:${port}`);
    const error = await refusal(wrong, `https://127.0.0.1:${ports.https}/hello`);
    expect([error.code, error.status]).toEqual(["proxy/refused", 401]);
    expect(error.message).not.toContain("wrong-one");
  });

  test("a target out of its reach is the proxy's refusal, with its status", async () => {
    const port = await startedTinyproxy(false);
    const error = await refusal(sessionBy(`http://127.0.0.1:${port}`), `https://127.0.0.1:${await freePort()}/`);
    expect([error.code, error.status]).toEqual(["proxy/refused", expect.any(Number)]);
    expect(error.status).toBeGreaterThanOrEqual(500);
  });
});

describe.skipIf(isAbsent(nginx))("nginx as a forward proxy", () => {
  test("everything gets through it over http", async () => {
    const port = await startedForwardingNginx();
    await converse(`http://127.0.0.1:${ports.http}`, sessionBy(`http://127.0.0.1:${port}`));
  });

  test("it knows no CONNECT, and the error says what it answered", async () => {
    const port = await startedForwardingNginx();
    const error = await refusal(sessionBy(`http://127.0.0.1:${port}`), `https://127.0.0.1:${ports.https}/hello`);
    expect(error.message).toMatch(/the proxy http:\/\/127\.0\.0\.1:\d+ answered 40\d /);
  });
});

describe.skipIf(isAbsent(microsocks))("microsocks", () => {
  test.each(SCHEMES)("everything gets through it over %s", async (scheme) => {
    const port = await startedMicrosocks(false);
    await converse(`${scheme}://127.0.0.1:${ports[scheme]}`, sessionBy(`socks5://127.0.0.1:${port}`));
  });

  test("names are looked up by it (socks5h) or by us (socks5)", async () => {
    const port = await startedMicrosocks(false);
    const byProxy = sessionBy(`socks5h://127.0.0.1:${port}`, { dns: { lookup: () => ["192.0.2.1"] } });
    expect(await byProxy.get(`http://localhost:${ports.http}/hello`).text()).toBe(GREETING);
    await byProxy.close();
    const byUs = sessionBy(`socks5://127.0.0.1:${port}`, { dns: { lookup: () => ["::1", "127.0.0.1"] } });
    expect(await byUs.get(`https://example.com:${ports.https}/hello`).text()).toBe(GREETING);
    await byUs.close();
  });

  test("with credentials it lets us in, without and with wrong ones it says what it wants", async () => {
    const port = await startedMicrosocks(true);
    const url = `https://127.0.0.1:${ports.https}/hello`;
    const session = sessionBy(`socks5h://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`);
    expect(await session.get(url).text()).toBe(GREETING);
    await session.close();
    for (const user of ["", `${USER}:wrong@`]) {
      const error = await refusal(sessionBy(`socks5h://${user}127.0.0.1:${port}`), url);
      expect(error.code).toBe("proxy/authentication-required");
    }
  });

  test("a target that refuses is the proxy's refusal, in words", async () => {
    const port = await startedMicrosocks(false);
    const error = await refusal(sessionBy(`socks5h://127.0.0.1:${port}`), `http://127.0.0.1:${await freePort()}/`);
    expect([error.code, error.message]).toEqual(["proxy/refused", expect.stringContaining("connection refused")]);
  });
});
