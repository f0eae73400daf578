/** Our client through dante and OpenSSH: SOCKS 4, 4a, 5 and 5h. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { converse } from "./client-conversation.js";
import { GREETING, originApplication } from "./origin-application.js";
import { danted, isAbsent, ssh, sshd } from "./peer-process.js";
import { closeAll, SCHEMES, type Scheme, serveOn } from "./places.js";
import { refusal, sessionBy } from "./proxied-session.js";
import { startedDante, startedSshTunnel } from "./proxy-peers.js";

const ports: Record<Scheme, number> = { http: 0, https: 0 };

beforeAll(async () => {
  for (const scheme of SCHEMES) ports[scheme] = (await serveOn(scheme, originApplication())).port;
});
afterAll(closeAll);

describe.skipIf(isAbsent(danted))("dante", () => {
  test.each(["socks4", "socks4a", "socks5", "socks5h"])("everything gets through it by %s", async (scheme) => {
    const port = await startedDante();
    const session = sessionBy(`${scheme}://127.0.0.1:${port}`);
    await converse(`https://127.0.0.1:${ports.https}`, session);
    // It finds no IPv4 address for "localhost" where the machine has an IPv6 one.
    if (scheme === "socks4a") return;
    const named = sessionBy(`${scheme}://127.0.0.1:${port}`, { dns: { lookup: () => ["127.0.0.1"] } });
    expect(await named.get(`http://localhost:${ports.http}/hello`).text()).toBe(GREETING);
    await named.close();
  });

  test.each(["socks4a", "socks5h"])("what its rules forbid is its refusal by %s", async (scheme) => {
    const port = await startedDante();
    const error = await refusal(sessionBy(`${scheme}://127.0.0.1:${port}`), `http://127.0.0.13:${ports.http}/`);
    expect(error.code).toBe("proxy/refused");
  });
});

describe.skipIf(isAbsent(sshd) || isAbsent(ssh))("OpenSSH", () => {
  test("everything gets through `ssh -D`, by all versions of SOCKS", async () => {
    const port = await startedSshTunnel();
    await converse(`https://127.0.0.1:${ports.https}`, sessionBy(`socks5h://127.0.0.1:${port}`));
    for (const scheme of ["socks4", "socks4a", "socks5"]) {
      const session = sessionBy(`${scheme}://127.0.0.1:${port}`, { dns: { lookup: () => ["127.0.0.1"] } });
      expect(await session.get(`https://localhost:${ports.https}/hello`).text()).toBe(GREETING);
      await session.close();
    }
  });
});
