/** A `WebSocket` class bound to a session: for every library that takes the constructor of one. */
import { UsageError } from "../../../errors.js";
import type { ClientSession } from "../../session.js";
import { requireSession } from "../require-session.js";
import { resolveOpening, type WebSocketOptions } from "../websocket-options.js";
import { type WhatwgHome, WhatwgWebSocket } from "./whatwg-websocket.js";

/** What such a library wants. */
export interface WhatwgWebSocketClass {
  new (url: string | URL, protocols?: string | readonly string[]): WhatwgWebSocket;
  readonly prototype: WhatwgWebSocket;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}

/**
 * A class whose sockets are opened by `session`, with `options`: the session's defaults, proxies, cookies and limits hold, and closing
 * the session ends them. Relative URLs are joined to its `baseUrl`. Throws `UsageError` for options that cannot be.
 */
export function webSocketFor(
  session: ClientSession,
  options: Omit<WebSocketOptions, "protocols"> = {},
): WhatwgWebSocketClass {
  requireSession(session);
  if ("protocols" in options) {
    const message = "Cannot use protocols here: each socket's are given to its constructor";
    throw new UsageError("options/unknown", message);
  }
  resolveOpening(options);
  const home: WhatwgHome = { session, options, baseUrl: session.baseUrl };
  return class WebSocket extends WhatwgWebSocket {
    constructor(url: string | URL, protocols: string | readonly string[] = []) {
      super(home, url, protocols);
    }
  };
}
