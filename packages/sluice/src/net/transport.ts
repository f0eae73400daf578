/**
 * The seam between protocol and machine: a transport carries bytes both ways and knows nothing of what they mean.
 * TCP, TLS, Unix sockets, the in-memory pair and the scripted transport all look like this.
 */

/** Told by a transport what happens to it. Calls never nest: none happens inside `write`, `pause` or `resume`. */
export interface TransportHandler {
  /** Bytes arrived. Valid until the call returns if the transport's `lends` is true; otherwise the receiver's for good. */
  onData(bytes: Uint8Array): void;
  /** The peer will send no more (FIN). Writing is still possible. */
  onEnd(): void;
  /** After `write` returned false: there is room again. */
  onDrain(): void;
  /** Last call of all, once: both directions are done. `error` is why, if it was not by consent. */
  onClose(error: Error | undefined): void;
}

/** What is known about the peer and its security. */
export interface PeerInfo {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** Present on TLS: protocol version, cipher and ALPN result. */
  readonly tls: TlsInfo | undefined;
}

/** The outcome of a TLS handshake. */
export interface TlsInfo {
  readonly protocol: string;
  readonly cipher: string;
  readonly alpn: string | undefined;
  readonly servername: string | undefined;
  readonly authorized: boolean;
  readonly resumed: boolean;
}

/** One connection. After `destroy`, calls do nothing; `write` after `end` throws UsageError `transport/write-after-end`. */
export interface Transport {
  /** Whether bytes given to `onData` are lent for the duration of the call only (a reused read buffer). */
  readonly lends: boolean;
  /** True from the moment `destroy` was called or the connection is gone. */
  readonly destroyed: boolean;
  /** Bytes accepted by `write` and not yet with the operating system. */
  readonly bufferedBytes: number;
  /** Whether bytes given to `write` may still be looked at; after false they may be overwritten. Absent: they are held for good. */
  readonly holds?: boolean;

  /**
   * Replaces the receiver of all calls: how an upgrade hands the connection over. Nothing is delivered before the first.
   * A handler that comes after the peer's FIN, or after the close, is told so in a microtask.
   */
  attach(handler: TransportHandler): void;
  /**
   * Sends bytes, or a string as `latin1` (one byte a character: heads) or `utf8`. Bytes are not copied and must not change
   * while it {@link Transport.holds} them. Returns false above the high-water mark: wait for `onDrain`.
   */
  write(bytes: Uint8Array | string, encoding?: "latin1" | "utf8"): boolean;
  /** Collects writes until `uncork`, to leave in one system call. */
  cork(): void;
  uncork(): void;
  /** Sends FIN after what was written. */
  end(): void;
  /** Gives up at once, both ways; `onClose` follows, with `error` if one is given. Idempotent. */
  destroy(error?: Error): void;
  /** Stops and restarts `onData`; the peer feels it through the transport's own flow control. */
  pause(): void;
  resume(): void;
  /** Whether this connection keeps the process alive; idle pooled ones do not. */
  ref(): void;
  unref(): void;
  peer(): PeerInfo;
}
