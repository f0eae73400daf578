/**
 * A client of an application in the same process: no socket, no port. Requests go through all of the client, and through all of the
 * server from the bytes up, so that limits, framing and streaming are the real ones; only the network between them is missing.
 */

import { Connector } from "../../client/connector.js";
import type { SessionOptions } from "../../client/options.js";
import { ClientSession } from "../../client/session.js";
import type { Clock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { parseUrl } from "../../http/parse-url.js";
import { portOf } from "../memory-peer.js";
import type { TestError } from "./exchange-watch.js";
import { MemoryServer } from "./memory-server.js";
import { resolveWatchOptions, type TestTarget, type WatchOptions } from "./watched-server.js";

/** A session's options, without a connector, and what the application is to see. */
export interface TestClientOptions extends Omit<SessionOptions, "connector">, WatchOptions {
  /** Where the application seems to be: `https` makes its requests secure, without a certificate. @default "http://localhost/" */
  readonly baseUrl?: string | URL;
  /** The address that requests seem to come from. @default "127.0.0.1" */
  readonly remoteAddress?: string;
  /** A 3xx is returned as it is, to be looked at. @default "manual" */
  readonly redirect?: "follow" | "manual" | "error";
  /** The source of time for the client, and for the application's connections. @default the system's, and the application's */
  readonly clock?: Clock;
}

const DEFAULT_BASE_URL = "http://localhost/";

/** A session whose every request, to whatever host, reaches the application. Closing it is its maker's duty. */
export class TestClient extends ClientSession {
  readonly #server: MemoryServer;
  /** Given to the session, so that it is not advised to make fewer connectors: each test has its own for a reason. */
  readonly #connector: Connector;
  #ending: Promise<void> | undefined;

  /** Use {@link testClient}. */
  constructor(target: TestTarget, options: TestClientOptions) {
    const { grace, strict, remoteAddress = "127.0.0.1", clock, ...session } = options;
    const baseUrl = parseUrl(String(session.baseUrl ?? DEFAULT_BASE_URL));
    if (baseUrl === undefined) throw new UsageError("url/invalid", "Cannot use baseUrl: it is no absolute URL");
    const server = new MemoryServer({
      target,
      options: resolveWatchOptions({ grace, strict }),
      address: { host: baseUrl.hostname, port: portOf(baseUrl) },
      secure: baseUrl.protocol === "https:",
      remoteAddress,
      clock,
    });
    const time = clock === undefined ? {} : { clock };
    const connector = new Connector({ ...time, connect: (to) => server.connect(to) });
    super({ redirect: "manual", ...session, baseUrl, connector });
    this.#server = server;
    this.#connector = connector;
  }

  /** What went wrong in the application: errors that handlers threw, and answers that broke off. */
  get errors(): readonly TestError[] {
    return this.#server.errors;
  }

  /** Removes what went wrong so far: it was expected, and `close` will not mention it. */
  takeErrors(): TestError[] {
    return this.#server.takeErrors();
  }

  /**
   * Ends the requests that run, and stops the application. Rejects, unless `strict` is false, with an `AggregateError` of the errors
   * that nobody has taken, and of `UsageError` `testing/left-open` that names what did not end within the grace.
   */
  override close(options: { readonly grace?: number } = {}): Promise<void> {
    this.#ending ??= this.#end(super.close(options));
    return this.#ending;
  }

  async #end(session: Promise<void>): Promise<void> {
    await session;
    await this.#connector.close();
    await this.#server.close();
  }
}

/**
 * A client of `target` without a network between them. The application is started with the first request, and stopped by `close()` or
 * `await using`. Throws `UsageError` for an option that is unknown or out of range.
 */
export function testClient(target: TestTarget, options: TestClientOptions = {}): TestClient {
  return new TestClient(target, options);
}
