/** Sessions that go by a proxy, and what becomes of them when it will not. */
import { expect } from "vitest";
import type { ConnectorOptions } from "../../src/client/connector.js";
import type { ProxySetting } from "../../src/client/proxy/proxy-options.js";
import { ClientSession } from "../../src/client/session.js";
import { ProxyError } from "../../src/errors.js";
import { rejection } from "../client/fake-net.js";
import { AUTHORITY } from "../net/certificates.js";

/** A session of four connections that trusts the test authority. Close it. */
export function sessionBy(proxy: ProxySetting, options: ConnectorOptions = {}): ClientSession {
  return new ClientSession({ connector: { limit: 4, proxy, tls: { ca: AUTHORITY }, ...options }, timeout: 15_000 });
}

/** The error of a request that the proxy is to refuse; closes the session. */
export async function refusal(session: ClientSession, url: string): Promise<ProxyError> {
  const error = await rejection(session.get(url).text());
  await session.close();
  expect(error).toBeInstanceOf(ProxyError);
  return error as ProxyError;
}
