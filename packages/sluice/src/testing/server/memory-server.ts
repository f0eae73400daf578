/**
 * Serves a target to connections that are made in memory, whatever host they are for. The target is started with the first of them.
 * Each delivery takes a turn of the event loop, as with sockets: an answer without end starves nobody.
 */

import type { Clock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import type { DialTarget } from "../../net/dial.js";
import type { Listener } from "../../net/listen.js";
import { memoryPair } from "../../net/memory.js";
import type { Transport } from "../../net/transport.js";
import type { ListenHost } from "../../server/listen.js";
import { type MemoryAddress, memoryPeer, memoryTls } from "../memory-peer.js";
import type { TestError } from "./exchange-watch.js";
import { type TestTarget, WatchedServer, type WatchOptions } from "./watched-server.js";

/** What a server in memory is made of. */
export interface MemoryServerParts {
  readonly target: TestTarget;
  readonly options: Required<WatchOptions>;
  /** Where the server says it is. */
  readonly address: MemoryAddress;
  readonly secure: boolean;
  /** Where clients seem to come from. */
  readonly remoteAddress: string;
  readonly clock: Clock | undefined;
}

const FIRST_EPHEMERAL_PORT = 49_152;
const EPHEMERAL_PORTS = 16_384;
/** Taken now: a test may replace it later, by one that waits to be driven. */
const nextTurn = setImmediate;

/** See the head of this file. */
export class MemoryServer {
  readonly #parts: MemoryServerParts;
  #host: ListenHost | undefined;
  #started: Promise<WatchedServer> | undefined;
  #watched: WatchedServer | undefined;
  #accepted = 0;

  constructor(parts: MemoryServerParts) {
    this.#parts = parts;
  }

  get errors(): readonly TestError[] {
    return this.#watched?.errors ?? [];
  }

  takeErrors(): TestError[] {
    return this.#watched?.takeErrors() ?? [];
  }

  /** The client's end of a new connection. Rejects with `UsageError` `testing/start-failed` if the target cannot be started. */
  async connect(target: DialTarget): Promise<Transport> {
    this.#started ??= this.#start();
    await this.#started;
    const { remoteAddress } = this.#parts;
    const client = { host: remoteAddress, port: FIRST_EPHEMERAL_PORT + (this.#accepted % EPHEMERAL_PORTS) };
    const server = { host: target.host, port: target.port };
    const tls = target.tls === undefined ? undefined : memoryTls(target.host);
    this.#accepted += 1;
    const [near, far] = memoryPair({
      peers: [memoryPeer(server, client, tls), memoryPeer(client, server, tls)],
      schedule: (job) => void nextTurn(job),
    });
    // A server that has ended refuses it.
    this.#host?.onConnection(far);
    return near;
  }

  /** Ends what was started. Rejects as {@link WatchedServer.close} does. */
  async close(): Promise<void> {
    if (this.#started === undefined) return;
    // Who asked for the start has been told why it failed.
    const watched = await this.#started.catch(() => undefined);
    await watched?.close();
  }

  async #start(): Promise<WatchedServer> {
    const { target, options, clock } = this.#parts;
    try {
      this.#watched = await WatchedServer.start(target, options, {
        open: (host) => this.#open(host),
        ...(clock === undefined ? {} : { clock }),
      });
      return this.#watched;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError("testing/start-failed", `Cannot start the application under test: ${reason}`, {
        cause: error,
      });
    }
  }

  #open(host: ListenHost): Listener {
    this.#host = host;
    const { address, secure } = this.#parts;
    return {
      address: { ...address, path: undefined },
      secure,
      connections: 0,
      close: () => Promise.resolve(),
      ref() {},
      unref() {},
    };
  }
}
