/**
 * A real server for a test: on a free port of the loopback interface, with a client of its own, and gone when the test is. What went
 * wrong in it, and what it still had to do at the end, fails the test.
 */

import { Connector, type ConnectorOptions } from "../../client/connector.js";
import type { SessionOptions } from "../../client/options.js";
import { ClientSession } from "../../client/session.js";
import type { ServerTlsOptions } from "../../net/tls-server.js";
import { refuseUnknown, requireObject } from "../../options.js";
import type { ListenOptions } from "../../server/listen.js";
import type { Server } from "../../server/server.js";
import type { TestError } from "./exchange-watch.js";
import { resolveWatchOptions, type TestTarget, WatchedServer, type WatchOptions } from "./watched-server.js";

/** Options of a test server's client: a session's, with those of its connector. */
export interface TestServerClientOptions extends Omit<SessionOptions, "connector"> {
  /** Limits of its connections, their TLS and so on. */
  readonly connector?: ConnectorOptions;
  /** A 3xx is returned as it is, to be looked at. @default "manual" */
  readonly redirect?: "follow" | "manual" | "error";
}

/** Where and how a {@link TestServer} serves. */
export interface TestServerOptions extends WatchOptions, Pick<ListenOptions, "port" | "path" | "clock"> {
  /** Address to listen at. @default "127.0.0.1" */
  readonly host?: string;
  /**
   * Speak TLS: with this certificate, or, `true`, with one for `localhost`, the loopback addresses and `example.com`, whose key is
   * public. The server's own clients trust it; others find it in `certificate`.
   *
   * @default false
   */
  readonly tls?: boolean | ServerTlsOptions;
  /** Options of `client`. */
  readonly client?: TestServerClientOptions;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof TestServerOptions>([
  "port",
  "host",
  "path",
  "tls",
  "clock",
  "client",
  "grace",
  "strict",
]);

interface Parts {
  readonly watched: WatchedServer;
  readonly baseUrl: string;
  readonly connector: ConnectorOptions;
  readonly certificate: string | Uint8Array | undefined;
}

/** See the head of this file. Closing it, by `close()` or `await using`, is its maker's duty. */
export class TestServer implements AsyncDisposable {
  /** A session whose `baseUrl` is the server; closed with it. */
  readonly client: ClientSession;
  readonly #parts: Parts;
  readonly #clients: ClientSession[] = [];
  readonly #connectors: Connector[] = [];
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts, client: TestServerClientOptions | undefined) {
    this.#parts = parts;
    this.client = this.newClient(client);
  }

  /**
   * Starts `target`, an application or a responder. Rejects with `UsageError` `options/…` or `listen/…`, or with what a starter of the
   * application threw; nothing is left open then.
   */
  static async start(target: TestTarget, options: TestServerOptions = {}): Promise<TestServer> {
    requireObject("test server options", options);
    refuseUnknown("test server", options, OPTION_NAMES);
    const { grace, strict, client, clock } = options;
    const watching = resolveWatchOptions({ grace, strict });
    const tls = await tlsOf(options.tls);
    const time = clock === undefined ? {} : { clock };
    const watched = await WatchedServer.start(target, watching, { ...placeOf(options), ...time, tls });
    try {
      return new TestServer({ watched, ...reachOf(watched.server, tls, time), certificate: tls?.cert }, client);
    } catch (error) {
      await watched.close();
      throw error;
    }
  }

  /** The server itself: its address, its connections. */
  get server(): Server {
    return this.#parts.watched.server;
  }

  /** Where it is, without a path, such as `http://127.0.0.1:40123`; `unix:` and a path for a Unix socket. */
  get url(): string {
    return this.server.url;
  }

  /** The certificate it shows, in PEM; undefined without TLS. */
  get certificate(): string | Uint8Array | undefined {
    return this.#parts.certificate;
  }

  /** What went wrong in the application: errors that handlers threw, and answers that broke off. */
  get errors(): readonly TestError[] {
    return this.#parts.watched.errors;
  }

  /** Removes what went wrong so far: it was expected, and `close` will not mention it. */
  takeErrors(): TestError[] {
    return this.#parts.watched.takeErrors();
  }

  /** Another client, with cookies and connections of its own; closed with the server, or earlier. Throws as {@link ClientSession} does. */
  newClient(options: TestServerClientOptions = {}): ClientSession {
    const { baseUrl, connector } = this.#parts;
    // Not the session's own, so that it is not advised to make fewer: each test has its own for a reason.
    const own = new Connector({ ...connector, ...options.connector, ...tlsFor(connector, options.connector) });
    const client = new ClientSession({ baseUrl, redirect: "manual", ...options, connector: own });
    this.#clients.push(client);
    this.#connectors.push(own);
    return client;
  }

  /**
   * Ends the requests of its clients, and stops the application. Rejects, unless `strict` is false, with an `AggregateError` of the
   * errors that nobody has taken, and of `UsageError` `testing/left-open` that names what did not end within the grace.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(this.#connectors.map((connector) => connector.close()));
    await this.#parts.watched.close();
  }
}

function placeOf({ host, port, path }: TestServerOptions): Pick<ListenOptions, "host" | "port" | "path"> {
  return path === undefined ? { host: host ?? "127.0.0.1", port: port ?? 0 } : { path, port, host };
}

async function tlsOf(tls: TestServerOptions["tls"]): Promise<ServerTlsOptions | undefined> {
  if (tls !== true) return tls === false ? undefined : tls;
  const { TEST_CERTIFICATE: cert, TEST_CERTIFICATE_KEY: key } = await import("./test-certificate.js");
  return { cert, key };
}

/** How clients reach it. A certificate that its own authority signed is not known here: then `ca` is for the client's options. */
function reachOf(
  server: Server,
  tls: ServerTlsOptions | undefined,
  time: Pick<ConnectorOptions, "clock">,
): Pick<Parts, "baseUrl" | "connector"> {
  const { path } = server.address;
  const baseUrl = path === undefined ? `${server.url}/` : `${tls === undefined ? "http" : "https"}://localhost/`;
  const connector: ConnectorOptions = {
    ...time,
    ...(tls === undefined ? {} : { tls: { ca: tls.cert } }),
    ...(path === undefined ? {} : { unixSocket: path }),
  };
  return { baseUrl, connector };
}

/** What the client's options say of TLS, over what the server's certificate asks for. */
function tlsFor(own: ConnectorOptions, given: ConnectorOptions | undefined): Pick<ConnectorOptions, "tls"> {
  return own.tls === undefined && given?.tls === undefined ? {} : { tls: { ...own.tls, ...given?.tls } };
}
