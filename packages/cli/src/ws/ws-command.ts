/**
 * `sluice ws`: lines become messages, messages become lines. On a terminal a conversation, with commands that begin with a slash; in
 * pipes nothing but messages.
 */
import { ClientSession, type CookieJar } from "sluice";
import { ReconnectingWebSocket, type SocketEnding, type SocketReconnect } from "sluice/websocket";
import { EXIT_FAILED, EXIT_OK } from "../exit-codes.js";
import { withJar } from "../sending/cookie-file.js";
import { sessionOptions } from "../sending/session-options.js";
import { explain } from "../terminal/explain.js";
import type { Io } from "../terminal/io.js";
import { showDuration } from "../terminal/quantities.js";
import { safeLine } from "../terminal/safe-text.js";
import { untilStopped } from "../terminal/until-stopped.js";
import { Conversation } from "./conversation.js";
import { isInteractive, type LineInput, noInput, pipedInput, typedInput } from "./line-input.js";
import type { WsSettings } from "./settings.js";

/** Ends after which there is nothing to complain about: done, going away, and no reason given (RFC 6455 §7.4.1). */
const IN_ORDER: ReadonlySet<number | undefined> = new Set([1000, 1001, 1005]);

/** Talks, and resolves to the exit code. Throws for whatever brings no connection. */
export async function runWs(settings: WsSettings, io: Io): Promise<number> {
  const { sending } = settings;
  return await untilStopped(io, (signal, stop) =>
    withJar(sending.cookieFile, io, (jar) => talk(settings, io, { signal, interrupt: () => stop("SIGINT") }, jar)),
  );
}

/** How it is stopped from without, and what to call for Ctrl-C where the terminal makes no signal of it. */
interface Stopping {
  readonly signal: AbortSignal;
  interrupt(): void;
}

async function talk(settings: WsSettings, io: Io, stopping: Stopping, jar: CookieJar | undefined): Promise<number> {
  const { sending } = settings;
  const session = new ClientSession({
    ...(await sessionOptions(sending, io, { connector: {} })),
    timeout: { connect: sending.connectTimeout },
    ...(jar === undefined ? {} : { cookies: jar }),
  });
  try {
    return await converse(session, settings, io, stopping);
  } finally {
    await session.close();
  }
}

async function converse(session: ClientSession, settings: WsSettings, io: Io, stopping: Stopping): Promise<number> {
  const { signal } = stopping;
  const say = (text: string): void => tell(io, input, text);
  const live = new ReconnectingWebSocket(session, settings.url, socketOptions(settings, say));
  const input = inputOf(settings, io, () => stopping.interrupt());
  const conversation = new Conversation(live, input, settings, io);
  const stop = (): void => {
    input.close();
    void live.close();
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await conversation.run();
    const ending = await live.closed;
    return signal.aborted ? EXIT_OK : exitCodeOf(ending, io, say);
  } finally {
    input.close();
    await live.close();
  }
}

function inputOf({ reads }: WsSettings, io: Io, interrupt: () => void): LineInput {
  if (!reads) return noInput(io);
  return isInteractive(io) ? typedInput(io, interrupt) : pipedInput(io);
}

function socketOptions(settings: WsSettings, say: (text: string) => void) {
  const { sending, params, protocols, compress, reconnects, heartbeat, maxSize } = settings;
  const { headers, cookies } = sending;
  return {
    headers,
    protocols,
    compress,
    heartbeat,
    ...(params.length === 0 ? {} : { params }),
    ...(cookies.length === 0 ? {} : { cookies: Object.fromEntries(cookies) }),
    ...(maxSize === undefined ? {} : { maxMessageSize: maxSize }),
    reconnect: reconnects ? {} : { attempts: 0 },
    onOpen: ({ protocol }: { readonly protocol: string }) =>
      say(`Connected${protocol === "" ? "" : `, speaking ${safeLine(protocol)}`}`),
    onReconnect: ({ ending, delay }: SocketReconnect) =>
      say(`${described(ending)}; connecting again in ${showDuration(delay)}`),
  };
}

/** A failure, before the connection or of it, is thrown; how one was closed decides here. */
function exitCodeOf(ending: SocketEnding, io: Io, say: (text: string) => void): number {
  const { code, error } = ending;
  if (error !== undefined) throw error;
  if (code === undefined || IN_ORDER.has(code)) {
    if (code !== undefined) say(described(ending));
    return EXIT_OK;
  }
  io.stderr.say(`sluice: ${described(ending)}\n`);
  return EXIT_FAILED;
}

function described({ code, reason, error }: SocketEnding): string {
  if (error !== undefined) return explain(error).message;
  return `Closed with ${code}${reason === "" ? "" : `: ${safeLine(reason)}`}`;
}

/** Said where a person looks, and above what he types. */
function tell({ stderr }: Io, input: LineInput, text: string): void {
  input.say(stderr.isTerminal ? `${stderr.colours("faint", text)}\n` : "");
}
