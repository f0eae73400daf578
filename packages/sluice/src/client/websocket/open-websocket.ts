/**
 * Opens a WebSocket on a session (RFC 6455 §4.1): the handshake goes through the pipeline as any request does, its answer is judged,
 * and the connection it leaves behind becomes a `WebSocketConnection`, which the session ends when it is closed.
 */
import type { MessageCompression } from "../../body/messages/message-coding.js";
import { onAbort, type StopListening } from "../../concurrency/abort.js";
import { InvalidUrlError, SessionClosedError } from "../../errors.js";
import { parseUrl } from "../../http/parse-url.js";
import { showUrl } from "../../http/redact.js";
import type { UpgradeMaker } from "../../wire/link-exchange.js";
import { openWebSocket } from "../../wire/websocket/open-websocket.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import { readErrorBody } from "../error-body.js";
import { AS_RESPONSE } from "../request-promise.js";
import { toHttpScheme } from "../request-url.js";
import type { ClientResponse } from "../response.js";
import { ResponseError } from "../response-error.js";
import type { SessionEngine } from "../session-engine.js";
import type { TakenConnection } from "../upgraded-connection.js";
import { type AgreedSocket, ClientHandshake } from "./client-handshake.js";
import {
  refuseHandshakeFields,
  resolveOpening,
  type SocketSettings,
  type WebSocketOptions,
} from "./websocket-options.js";

/** Whose socket it is. */
export interface WebSocketHome {
  readonly engine: SessionEngine;
  /** The session's. */
  readonly signals: readonly AbortSignal[];
}

const CONSUMER = Object.freeze({
  consumption: AS_RESPONSE,
  callSite: undefined,
  consumed: true,
  started: () => undefined,
});

/** As `ClientSession.websocket`. */
export async function openWebSocketOn(
  home: WebSocketHome,
  url: string | URL,
  options: WebSocketOptions = {},
): Promise<WebSocketConnection> {
  const { engine } = home;
  const [settings, request] = resolveOpening(options);
  const target = requestable(url);
  // Only what compresses needs zlib.
  const messages = settings.compress === undefined ? undefined : await import("../../body/messages/message-coding.js");
  const signals = options.signal === undefined ? home.signals : [...home.signals, options.signal];
  const release = engine.config.connector.sockets.reserve();
  try {
    let handshake: ClientHandshake | undefined;
    const upgrade: UpgradeMaker = (own) => {
      refuseHandshakeFields(own);
      handshake = new ClientHandshake(settings);
      return handshake;
    };
    const ask = { method: "GET", url: target, options: request, signals, upgrade };
    const response = (await engine.run(ask, CONSUMER)) as ClientResponse;
    const connection = response.source.takeUpgraded?.();
    if (connection === undefined) throw await refusal(response);
    if (engine.closed !== undefined) {
      connection.transport.destroy();
      throw response.describe(new SessionClosedError("session/closed", engine.closed.message));
    }
    return begin(connection, { settings, agreed: handshake?.agreed, messages, engine, signals, release });
  } catch (error) {
    release();
    throw error;
  }
}

/** What goes into a socket beside its connection. */
interface Parts {
  readonly settings: SocketSettings;
  readonly agreed: AgreedSocket | undefined;
  /** Loaded where compression was offered. */
  readonly messages: typeof import("../../body/messages/message-coding.js") | undefined;
  readonly engine: SessionEngine;
  readonly signals: readonly AbortSignal[];
  /** Gives the socket's place back. */
  readonly release: () => void;
}

function begin({ transport, rest }: TakenConnection, parts: Parts): WebSocketConnection {
  const { settings, agreed, engine, signals, release } = parts;
  const { clock, sockets } = engine.config.connector;
  let stops: readonly StopListening[] = [];
  // Delivers nothing before it returns, so that not a byte comes before there is somebody to take it.
  transport.resume();
  const socket = openWebSocket(transport, rest, {
    role: "client",
    options: settings.connection,
    protocol: agreed?.protocol,
    extensions: agreed?.extensions,
    compression: compressionOf(parts),
    clock,
    onClosed: () => {
      release();
      sockets.remove(socket);
      engine.sockets.remove(socket);
      for (const stop of stops) stop();
    },
  });
  sockets.add(socket);
  engine.sockets.add(socket);
  stops = signals.map((signal) => onAbort(signal, (reason) => socket.terminate(reason)));
  return socket;
}

/** How messages are compressed, where that was offered and agreed to. */
function compressionOf({ settings, agreed, messages }: Parts): MessageCompression | undefined {
  const { compress, connection } = settings;
  if (compress === undefined || agreed?.deflate === undefined) return undefined;
  const { level, threshold } = compress;
  const { maxMessageSize } = connection;
  return messages?.messageCompression(agreed.deflate, { role: "client", level, threshold, maxMessageSize });
}

/** The error that another answer is than 101, once the beginning of its body has arrived. */
async function refusal(response: ClientResponse): Promise<ResponseError> {
  const { status, statusText } = response;
  const { bytes, ...details } = await readErrorBody(response.body);
  const answered = `answered ${status}${statusText && ` ${statusText}`} instead of 101 (Switching Protocols)`;
  const message = `The WebSocket was refused: ${answered}`;
  return response.describe(new ResponseError(response, bytes, { ...details, code: "websocket/refused", message }));
}

/** As a request can ask for it; what is no URL by itself may be relative to the session's base. */
function requestable(given: string | URL): string {
  const text = String(given);
  if (text.includes("#")) {
    throw new InvalidUrlError(
      "url/fragment",
      `Cannot connect to ${showUrl(text)}: a WebSocket's URL has no fragment (RFC 6455 §3)`,
    );
  }
  const url = parseUrl(text);
  if (url === undefined) return text;
  toHttpScheme(url);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    const message = `Cannot connect to ${showUrl(url.href)}: its scheme must be ws, wss, http or https`;
    throw new InvalidUrlError("url/scheme", message);
  }
  return url.href;
}
