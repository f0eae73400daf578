/** A reverse proxy of ours on a loopback port. */
import { ClientSession } from "../../src/client/session.js";
import type { ProxyOptions } from "../../src/proxy/proxy-options.js";
import { proxy } from "../../src/proxy/reverse-proxy.js";
import { Application } from "../../src/server/application.js";
import { unexpected } from "./origin-application.js";
import { atEnd, type Place, type Scheme, serveOn } from "./places.js";

/** A proxy of ours in front of `target`; ended by `closeAll`. */
export async function proxyOn(scheme: Scheme, target: string, options: ProxyOptions = {}): Promise<Place> {
  const session = new ClientSession({ connector: { limitPerHost: 8 }, timeout: 15_000 });
  const app = new Application({ maxBodySize: Number.POSITIVE_INFINITY, onError: (error) => unexpected.push(error) });
  app.use(proxy(session, target, options));
  const place = await serveOn(scheme, app);
  atEnd(() => session.close());
  return place;
}
