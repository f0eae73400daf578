/**
 * `sluice sse`: follows the events of a URL. On a terminal for people; anywhere else JSON lines, one event each, and not a word
 * besides.
 */
import { ClientSession, type CookieJar, type EventStreamOptions, type Reconnect } from "sluice";
import { EXIT_OK } from "../exit-codes.js";
import { withJar } from "../sending/cookie-file.js";
import { sessionOptions } from "../sending/session-options.js";
import { explain } from "../terminal/explain.js";
import type { Io } from "../terminal/io.js";
import { showDuration } from "../terminal/quantities.js";
import { untilStopped } from "../terminal/until-stopped.js";
import { eventLine, eventText } from "./event-text.js";
import type { SseSettings } from "./settings.js";

/** Follows, and resolves to the exit code. Throws for what ends the stream in failure. */
export async function runSse(settings: SseSettings, io: Io): Promise<number> {
  const { sending } = settings;
  return await untilStopped(io, (signal) =>
    withJar(sending.cookieFile, io, (jar) => follow(settings, io, signal, jar)),
  );
}

async function follow(settings: SseSettings, io: Io, signal: AbortSignal, jar: CookieJar | undefined): Promise<number> {
  const { sending, url } = settings;
  const session = new ClientSession({
    ...(await sessionOptions(sending, io, { connector: {} })),
    timeout: { connect: sending.connectTimeout },
    signal,
    ...(jar === undefined ? {} : { cookies: jar }),
  });
  try {
    await show(session.events(url, streamOptions(settings, io)), settings, io);
    return EXIT_OK;
  } finally {
    await session.close();
  }
}

async function show(events: ReturnType<ClientSession["events"]>, settings: SseSettings, { stdout }: Io): Promise<void> {
  const { types, count } = settings;
  let shown = 0;
  for await (const event of events) {
    if (types !== undefined && !types.has(event.event)) continue;
    await stdout.write(stdout.isTerminal ? eventText(event, stdout.colours) : eventLine(event));
    shown += 1;
    if (shown >= count) return;
  }
}

function streamOptions(settings: SseSettings, io: Io) {
  const { sending, params, lastEventId, reconnects, idleTimeout } = settings;
  const { headers, cookies } = sending;
  return {
    headers,
    lastEventId,
    idleTimeout,
    ...(params.length === 0 ? {} : { params }),
    ...(cookies.length === 0 ? {} : { cookies: Object.fromEntries(cookies) }),
    ...(reconnects ? { onReconnect: (reconnect: Reconnect) => tell(reconnect, io) } : { reconnect: false as const }),
  } satisfies EventStreamOptions;
}

/** Said where a person may wonder why nothing comes. */
function tell({ error, delay }: Reconnect, { stderr }: Io): void {
  if (!stderr.isTerminal) return;
  const why = error === undefined ? "The connection has ended" : explain(error).message;
  stderr.say(`${stderr.colours("faint", `${why}; connecting again in ${showDuration(delay)}`)}\n`);
}
