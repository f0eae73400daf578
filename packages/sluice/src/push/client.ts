/**
 * The client side of the push protocol (docs/push-protocol.md), for browsers: one module that imports nothing, so that it can be served as it is.
 * (What it says of types is in client-types.ts.)
 *
 * A connection is a `Link`, over WebSocket or over SSE and POST; losing one is normal. Whatever must outlive it stands in the client: the position in
 * each room, from which the next connection goes on, and requests without an answer, which are sent again, unchanged. A request keeps its id, a
 * message its place: so nothing is lost and nothing comes twice, or the page is told of the gap.
 */
import type { Ask, Link, LinkOwner, Listeners, RoomRecord, ServerFrame } from "./client-parts.js";
import type {
  PushClientEvents,
  PushClientOptions,
  PushEnvironment,
  PushError,
  PushHistory,
  PushJoinOptions,
  PushPresence,
  PushRoom,
  PushSignal,
  PushState,
  PushStateChange,
  PushTransport,
  PushWelcome,
} from "./client-types.js";

export type * from "./client-types.js";

const PROTOCOL = "sluice.push.v1";
/** Requests that are on their way at a time; the others wait, so that they can be taken back and their order is kept. */
const WINDOW = 16;
/** Ids remembered in a room: a message sent again after the room began anew has a new place, but its old id. */
const RECENT_IDS = 256;
/** How long a connection that is doubted has to show a sign of life, in milliseconds. */
const PROBE_MS = 5_000;
/** A timer that is so late was not let run: the machine slept, or the tab did. */
const LATE_MS = 1_000;
/** A connection that lasted so long was a success, and the next pause is short again. */
const STEADY_MS = 5_000;
const LONG_PAUSE_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const EXPIRED = 4001;
const FAR_TOO_FAST = 4029;
/** Close codes after which coming back makes no sense: our fault, taken out, message too large. */
const FINAL = [4000, 4003, 1009];
const TRY_LATER = ["too-fast", "unavailable"];

/** See the head of this file. It connects at once, and again whenever the connection is lost, until `close`. */
export class PushClient {
  readonly #address: (transport: PushTransport) => string | URL | Promise<string | URL>;
  readonly #mayRenewAddress: boolean;
  readonly #options: Required<Omit<PushClientOptions, "token" | "eventsUrl" | "environment">> &
    Pick<PushClientOptions, "token">;
  readonly #env: PushEnvironment;
  readonly #transports: readonly PushTransport[];
  readonly #rooms = new Map<string, RoomRecord & { readonly handle: PushRoom }>();
  readonly #asks = new Map<number, Ask>();
  readonly #listeners: Listeners = new Map();
  readonly #idPrefix: string;
  readonly #unlisten: (() => void)[] = [];
  /** Timers of this connection, besides the one below. */
  readonly #timers = new Set<unknown>();
  readonly #opened = new Set<PushTransport>();
  #state: PushState = "connecting";
  /** Counts attempts: what an older one still has to say is not heard. */
  #turn = 0;
  #link: Link | undefined;
  #welcome: PushWelcome | undefined;
  #bye: ServerFrame | undefined;
  /** The end of the pause, or the next look whether the connection is alive. */
  #timer: unknown;
  #deadline = 0;
  #isProbing = false;
  #openedAt = 0;
  #notBefore = 0;
  #failures = 0;
  #losses = 0;
  #serial = 0;
  #window = WINDOW;
  #isHeld = false;

  /**
   * `url`: where the hub is served, relative to the page (`"/push"`), `http:`, `https:`, `ws:` or `wss:`; a function is called for each connection, for
   * addresses that hold a token, with the transport that is about to be tried. Throws if it is no URL, or if neither WebSocket nor SSE is to be had.
   */
  constructor(
    url: string | URL | ((transport: PushTransport) => string | URL | Promise<string | URL>),
    { environment, ...options }: PushClientOptions = {},
  ) {
    this.#env = { ...platform(), ...environment };
    this.#options = {
      transports: ["websocket", "sse"],
      firstDelay: 500,
      maxDelay: 30_000,
      connectTimeout: 10_000,
      maxWaiting: 100,
      withCredentials: false,
      ...options,
    };
    this.#mayRenewAddress = typeof url === "function";
    const { eventsUrl } = options;
    this.#address = typeof url === "function" ? url : (transport) => (transport === "sse" && eventsUrl) || url;
    if (typeof url !== "function") this.#resolve(url);
    const { WebSocket, EventSource, window, document, random } = this.#env as Partial<PushEnvironment> &
      PushEnvironment;
    this.#transports = this.#options.transports.filter((one) => (one === "sse" ? EventSource : WebSocket));
    if (this.#transports.length === 0) throw new Error("Cannot connect: there is neither WebSocket nor EventSource");
    this.#idPrefix = random().toString(36).slice(2) + random().toString(36).slice(2);
    const back = () => this.#nudge();
    this.#watch(window, "online", back);
    this.#watch(window, "offline", back);
    this.#watch(document, "visibilitychange", () => document.visibilityState === "visible" && back());
    this.#connect();
  }

  get state(): PushState {
    return this.#state;
  }

  /** What the server said at the beginning of this connection; undefined while there is none. */
  get welcome(): PushWelcome | undefined {
    return this.#welcome;
  }

  /** Calls `listener` for each event from now on; the function given back ends that. */
  on<N extends keyof PushClientEvents>(name: N, listener: (event: PushClientEvents[N]) => void): () => void {
    return listen(this.#listeners, name, listener);
  }

  /** Joins a room, now or once there is a connection; one that is joined already is given back, whatever the options. */
  join<T = unknown>(name: string, options: PushJoinOptions = {}): PushRoom<T> {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known.handle as PushRoom<T>;
    const record = newRecord(name, options);
    const handle = this.#roomOf(record);
    const room = Object.assign(record, { handle });
    this.#rooms.set(name, room);
    this.#enter(room);
    return handle as PushRoom<T>;
  }

  /** Ends it for good: nothing is told any more but `closed`, and what waits for an answer is rejected with the code `closed`. */
  close(): void {
    this.#end("closed");
  }

  #watch(target: PushEnvironment["window"] | undefined, type: string, listener: () => void): void {
    target?.addEventListener(type, listener);
    this.#unlisten.push(() => target?.removeEventListener(type, listener));
  }

  #resolve(url: string | URL): URL {
    const resolved = new URL(url, (this.#env as Partial<PushEnvironment>).location?.href);
    resolved.hash = "";
    return resolved;
  }

  /** The longest silence of a server that is alive; one without a heartbeat is only asked when there is reason to. */
  get #patience(): number {
    return Math.min(2 * (this.#welcome?.heartbeat || LONGEST_TIMER_MS), LONGEST_TIMER_MS);
  }

  #nextRef(): number {
    this.#serial += 1;
    return this.#serial;
  }

  #move(state: PushState, change: Omit<PushStateChange, "state"> = {}): void {
    this.#state = state;
    tell(this.#listeners, "state", { state, ...change });
  }

  #connect(): void {
    this.#drop();
    const turn = this.#turn;
    this.#expectWithin(this.#options.connectTimeout);
    // In a moment: what the page does in this turn, listeners and rooms, is there by then.
    queueMicrotask(() => {
      if (turn === this.#turn) this.#attempt(turn).catch(() => turn === this.#turn && this.#lose());
    });
  }

  async #attempt(turn: number): Promise<void> {
    const transport = this.#nextTransport();
    this.#move("connecting", { transport });
    const address = this.#resolve(await this.#address(transport));
    const isThis = () => turn === this.#turn;
    if (!isThis()) return;
    const owner: LinkOwner = {
      opened: () => isThis() && this.#enterAll(),
      frame: (frame) => isThis() && this.#receive(frame),
      lost: (code) => isThis() && this.#lose(code),
    };
    const { withCredentials } = this.#options;
    if (transport === "websocket") this.#link = openSocket(this.#env, address, owner);
    else this.#link = openStream(this.#env, this.#withRooms(address), { address, owner, withCredentials });
  }

  /** The first that has ever worked; now and then the other one, in case that is why it fails. */
  #nextTransport(): PushTransport {
    const works = this.#transports.find((one) => this.#opened.has(one));
    const usual = works ?? (this.#transports[0] as PushTransport);
    const other = this.#transports.find((one) => one !== usual) ?? usual;
    const every = works === undefined ? 2 : 4;
    return this.#failures % every === every - 1 ? other : usual;
  }

  /** An event stream is asked for all its rooms at once. */
  #withRooms(address: URL): URL {
    const url = new URL(address);
    const rooms = [...this.#rooms.values()];
    const positions: string[] = [];
    for (const { name, position } of rooms) {
      url.searchParams.append("room", name);
      if (position !== undefined) positions.push(`${encodeURIComponent(name)}=${position.epoch}:${position.offset}`);
    }
    const history = Math.max(0, ...rooms.map(({ options }) => options.history ?? 0));
    if (history > 0) url.searchParams.set("history", String(history));
    if (rooms.some(({ options }) => options.presence)) url.searchParams.set("presence", "true");
    if (positions.length > 0) url.searchParams.set("lastEventId", positions.join());
    return url;
  }

  /** Nothing of the old connection is heard any more, and everything unanswered is to be sent anew. */
  #drop(): void {
    this.#turn += 1;
    this.#link?.close();
    this.#link = this.#welcome = this.#bye = undefined;
    for (const timer of [this.#timer, ...this.#timers]) this.#env.clearTimer(timer);
    this.#timers.clear();
    this.#isHeld = this.#isProbing = false;
    for (const room of this.#rooms.values()) room.joined = false;
    for (const ask of this.#asks.values()) ask.sent = false;
  }

  #lose(code?: number, word?: string): void {
    const bye = this.#bye;
    const { firstDelay, maxDelay } = this.#options;
    const { now, random, setTimer } = this.#env;
    const reason = bye?.reason ?? word ?? (code === undefined ? "lost" : String(code));
    const canReturn = this.#mayRenewAddress && (code === EXPIRED || reason === "expired");
    const isOver = bye?.retryAfter === null || code === EXPIRED || FINAL.includes(code ?? 0);
    if (isOver && !canReturn) {
      this.#end(reason);
      return;
    }
    if (this.#welcome === undefined) this.#failures += 1;
    else if (now() - this.#openedAt >= STEADY_MS) this.#losses = 0;
    this.#drop();
    const asked = bye?.retryAfter ?? (code === FAR_TOO_FAST ? LONG_PAUSE_MS * (1 + random()) : undefined);
    const retryIn = asked ?? random() * Math.min(maxDelay, firstDelay * 2 ** this.#losses);
    this.#losses += 1;
    this.#notBefore = asked === undefined ? 0 : now() + asked;
    this.#timer = setTimer(() => this.#connect(), retryIn);
    this.#move("waiting", { retryIn, reason });
  }

  #end(reason: string): void {
    if (this.#state === "closed") return;
    this.#drop();
    for (const unlisten of this.#unlisten) unlisten();
    for (const { settle } of this.#asks.values())
      settle(undefined, failure("closed", `The connection has ended: ${reason}`));
    this.#asks.clear();
    this.#move("closed", { reason });
  }

  #expectWithin(ms: number): void {
    const { now, setTimer, clearTimer } = this.#env;
    this.#deadline = now() + ms;
    clearTimer(this.#timer);
    this.#timer = setTimer(() => this.#look(), ms);
  }

  /** The deadline moves with everything heard, the timer does not: it looks whether there is a newer one. */
  #look(): void {
    const late = this.#env.now() - this.#deadline;
    if (late < 0) this.#timer = this.#env.setTimer(() => this.#look(), -late);
    else if (late > LATE_MS && !this.#isProbing && this.#state === "open") this.#probe();
    else this.#lose(undefined, "silent");
  }

  /** Who has slept cannot blame the other for silence: ask, then judge. */
  #probe(): void {
    this.#isProbing = true;
    if (this.#link?.transport === "websocket") this.#link.send({ type: "ping" });
    this.#expectWithin(this.#link?.transport === "sse" ? this.#patience / 2 + PROBE_MS : PROBE_MS);
  }

  /** The network has changed, or someone looks at the page again. */
  #nudge(): void {
    if (this.#state === "open") this.#probe();
    else if (this.#state === "waiting" && this.#env.now() >= this.#notBefore) this.#connect();
  }

  #later(ms: number, callback: () => void): void {
    const timer = this.#env.setTimer(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }

  #receive(frame: ServerFrame): void {
    if (this.#welcome !== undefined) this.#deadline = this.#env.now() + this.#patience;
    this.#isProbing = false;
    const room = this.#rooms.get(frame.room ?? "");
    if (frame.type === "welcome") this.#welcomed(frame);
    else if (frame.type === "ping") this.#link?.transport === "websocket" && this.#link.send({ type: "pong" });
    else if (frame.type === "bye") this.#bye = frame;
    else if (frame.type === "error") this.#refused(frame, room);
    else if (frame.ref !== undefined && this.#asks.has(frame.ref)) this.#answered(frame.ref, frame);
    else if (room === undefined) return;
    else if (frame.type === "left") this.#removed(room, failure("removed", frame.reason ?? "Taken out of the room"));
    else receiveInRoom(room, frame);
  }

  #welcomed(frame: ServerFrame): void {
    const { connection, user, rooms, heartbeat, expiresIn, limits } = frame;
    const given = { ...(user && { user }), ...(heartbeat && { heartbeat }), ...(expiresIn && { expiresIn }) };
    this.#welcome = { connection, rooms, limits, ...given };
    this.#opened.add((this.#link as Link).transport);
    this.#failures = 0;
    this.#openedAt = this.#env.now();
    this.#expectWithin(this.#patience);
    this.#renewBefore(expiresIn);
    this.#move("open", { transport: (this.#link as Link).transport });
    tell(this.#listeners, "open", this.#welcome);
    this.#flush();
  }

  /** With time enough to try again; whoever cannot renew sees the connection end, and that is told. */
  #renewBefore(expiresIn: number | undefined): void {
    const { token } = this.#options;
    if (token === undefined || expiresIn === undefined || expiresIn < LATE_MS) return;
    const link = this.#link;
    // What fails is tried again in half of what is left; in the end the server closes, and that is told.
    const again = (left: number | undefined) => this.#link === link && this.#renewBefore(left);
    this.#later(Math.min(Math.max(expiresIn / 2, expiresIn - LONG_PAUSE_MS), LONGEST_TIMER_MS), () => {
      const renewed = Promise.resolve()
        .then(token)
        .then((fresh) => this.#ask({ type: "renew", token: fresh }));
      renewed.then(
        (answer) => again(answer.expiresIn),
        () => again(expiresIn / 2),
      );
    });
  }

  #answered(ref: number, frame: ServerFrame): void {
    const ask = this.#asks.get(ref);
    this.#asks.delete(ref);
    if (this.#asks.size === 0) this.#window = WINDOW;
    ask?.settle(frame);
    this.#flush();
  }

  #refused({ ref, code, message, retryAfter }: ServerFrame, room: RoomRecord | undefined): void {
    const ask = this.#asks.get(ref ?? 0);
    const isLater = TRY_LATER.includes(code);
    const error = failure(code, message, retryAfter ?? undefined);
    if (ask !== undefined && isLater) {
      // One at a time from here on: what is refused must not be overtaken by what comes after it.
      ask.sent = false;
      this.#window = 1;
      if (this.#isHeld) return;
      this.#isHeld = true;
      this.#later(retryAfter ?? 1_000, () => {
        this.#isHeld = false;
        this.#flush();
      });
    } else if (ask !== undefined) {
      this.#asks.delete(ask.ref);
      ask.settle(undefined, error);
      this.#flush();
    } else if (room !== undefined && (ref === undefined || ref === room.ref)) {
      // One after the other: many that come back at once are refused at once.
      const pause = retryAfter ? retryAfter * (1 + this.#timers.size) : 1_000;
      if (isLater) this.#later(pause, () => this.#enter(room));
      else this.#removed(room, error);
    }
  }

  #removed(room: RoomRecord, error: PushError): void {
    this.#rooms.delete(room.name);
    room.joined = false;
    tell(room.listeners, "refused", error);
  }

  #enterAll(): void {
    for (const room of this.#rooms.values()) this.#enter(room);
  }

  #enter(room: RoomRecord): void {
    const link = this.#link;
    if (link === undefined || this.#rooms.get(room.name) !== room) return;
    if (link.transport === "sse") {
      this.#reopen();
      return;
    }
    const { name, position: since, options } = room;
    const { history, presence } = options;
    room.ref = this.#nextRef();
    link.send({ type: "join", room: name, ref: room.ref, ...(since ? { since } : { history }), presence });
  }

  /** A stream whose rooms have changed is asked for anew: once, however many they are. */
  #reopen(): void {
    const link = this.#link;
    this.#later(0, () => this.#link === link && this.#connect());
  }

  #roomOf<T>(record: RoomRecord): PushRoom<T> {
    const { name, listeners } = record;
    const client = this;
    return {
      name,
      get joined() {
        return record.joined;
      },
      get position() {
        return record.position;
      },
      get present() {
        return record.present;
      },
      on: (event, listener) => listen(listeners, event, listener),
      publish: (data, { key, id = `${client.#idPrefix}-${client.#nextRef()}`, signal } = {}) =>
        client.#ask({ type: "publish", room: name, data, id, key }, signal),
      history: (options) =>
        client.#ask({ type: "history", room: name, ...options }) as Promise<ServerFrame & PushHistory<T>>,
      leave() {
        if (client.#rooms.get(name) !== record) return;
        client.#rooms.delete(name);
        record.joined = false;
        if (client.#link?.transport === "sse") client.#reopen();
        else client.#link?.send({ type: "leave", room: name });
      },
    };
  }

  /** Sends a request, now or later, and again after a connection that broke before its answer. */
  #ask(frame: object, signal?: PushSignal): Promise<ServerFrame> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw signal.reason;
      if (this.#state === "closed") throw failure("closed", "The connection has ended");
      if (this.#asks.size >= this.#options.maxWaiting)
        throw failure("queue-full", `${this.#asks.size} requests wait already`);
      const ref = this.#nextRef();
      const abort = () => {
        this.#asks.delete(ref);
        reject(signal?.reason);
        this.#flush();
      };
      const settle: Ask["settle"] = (answer, error) => {
        signal?.removeEventListener("abort", abort);
        if (answer === undefined) reject(error);
        else resolve(answer);
      };
      // As it is now: what the page changes later is another message.
      this.#asks.set(ref, { ref, text: JSON.stringify({ ...frame, ref }), sent: false, settle });
      signal?.addEventListener("abort", abort);
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#state !== "open" || this.#isHeld) return;
    const most = this.#welcome?.limits.messageSize ?? Number.POSITIVE_INFINITY;
    let room = this.#window;
    for (const ask of this.#asks.values()) {
      if (ask.text.length > most) {
        // What is much too large would end the connection for good. (It has at least as many bytes.)
        this.#refused({ ref: ask.ref, code: "too-large", message: `Over ${most} bytes` } as ServerFrame, undefined);
        return;
      }
      if (room === 0) return;
      room -= 1;
      if (ask.sent) continue;
      ask.sent = true;
      this.#link?.send(ask.text, ask.ref);
    }
  }
}

function newRecord(name: string, options: PushJoinOptions): RoomRecord {
  const { since: position } = options;
  const listeners: Listeners = new Map();
  return { name, options, listeners, recentIds: new Set(), ref: 0, joined: false, position, present: undefined };
}

function receiveInRoom(room: RoomRecord, frame: ServerFrame): void {
  const { type, ref, epoch, offset, presence, event, id, info } = frame;
  const { listeners } = room;
  if (type === "joined") {
    // An answer to an earlier join, left again since, is about another stay.
    if (ref !== undefined && ref !== room.ref) return;
    room.joined = true;
    room.position = { epoch, offset };
    tell(listeners, type, frame);
    if (presence !== undefined) setPresent(room, presence, { event: "now" });
  }
  if (!room.joined) return;
  if (type === "message") receiveMessage(room, frame);
  else if (type === "state") tell(listeners, "live", frame.live);
  else if (type === "gap") {
    room.position = { epoch, offset };
    tell(listeners, type, frame);
  } else if (type === "presence") {
    const others = (room.present?.members ?? []).filter((member) => member.id !== id);
    setPresent(room, { ...frame, members: event === "join" ? [...others, { id, info }] : others }, { event, id, info });
  }
}

/** Passes a message on, unless it was there before: by its place, or sent again by its publisher after the room began anew. */
function receiveMessage(room: RoomRecord, frame: ServerFrame): void {
  const { epoch, offset, id } = frame;
  const { position, recentIds } = room;
  if (position?.epoch === epoch && offset <= position.offset) return;
  room.position = { epoch, offset };
  if (recentIds.has(id)) return;
  const [oldest] = recentIds;
  if (oldest !== undefined && recentIds.size >= RECENT_IDS) recentIds.delete(oldest);
  recentIds.add(id);
  tell(room.listeners, "message", frame);
}

function setPresent(room: RoomRecord, { users, connections, members }: PushPresence, change: object): void {
  room.present = { users, connections, members: members ?? [] };
  tell(room.listeners, "presence", { ...room.present, ...change });
}

function openSocket(env: PushEnvironment, address: URL, owner: LinkOwner): Link {
  const socket = new env.WebSocket(address.href.replace(/^http/, "ws"), [PROTOCOL]);
  socket.onopen = () => owner.opened();
  socket.onmessage = ({ data }: { data: unknown }) => owner.frame(JSON.parse(String(data)));
  socket.onclose = ({ code }: { code: number }) => owner.lost(code);
  // Every error is followed by a close; without a listener some platforms throw it.
  socket.onerror = () => undefined;
  return {
    transport: "websocket",
    // One that is closing takes nothing more; its close is about to be told.
    send: (frame) => socket.readyState === 1 && socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    close: () => socket.close(1000),
  };
}

/** Frames come as events; requests go by POST, one after the other, so that they stay in order. */
function openStream(
  env: PushEnvironment,
  url: URL,
  { address, owner, withCredentials }: { address: URL; owner: LinkOwner; withCredentials: boolean },
): Link {
  const [target, stream] = [address, url].map(({ href }) => href.replace(/^ws/, "http")) as [string, string];
  const source = new env.EventSource(stream, { withCredentials });
  let isClosed = false;
  let last: Promise<unknown> = Promise.resolve();
  const hear = ({ data }: { data: string }) => owner.frame(JSON.parse(data));
  source.addEventListener("message", hear);
  source.addEventListener("push", hear);
  // It would come back by itself, without our pauses and our rooms.
  source.onerror = () => owner.lost();
  const post = async (body: string, ref: number) => {
    if (isClosed) return;
    const headers = { "content-type": "application/json" };
    const credentials = withCredentials ? "include" : "same-origin";
    const response = await env.fetch(target, { method: "POST", headers, body, credentials });
    const isFrame = response.headers.get("content-type")?.startsWith("application/json");
    if (isFrame) owner.frame({ ...((await response.json()) as ServerFrame), ref });
    else if (response.status >= 500) owner.lost();
    else owner.frame({ type: "error", ref, code: "failed", message: `Status ${response.status}` } as ServerFrame);
  };
  return {
    transport: "sse",
    send(frame, ref = 0) {
      last = last.then(() => post(String(frame), ref)).catch(() => owner.lost());
    },
    close() {
      isClosed = true;
      source.close();
    },
  };
}

function listen<E>(listeners: Listeners, name: string, listener: (event: E) => void): () => void {
  // Of its own, so that one function may listen twice.
  const own = (event: unknown) => listener(event as E);
  const all = listeners.get(name) ?? new Set();
  listeners.set(name, all.add(own));
  return () => void all.delete(own);
}

/** As events of the platform: what one listener throws is reported, and the others are called nevertheless. */
function tell(listeners: Listeners, name: string, event: unknown): void {
  for (const listener of listeners.get(name) ?? []) {
    try {
      listener(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function failure(code: string, message: string, retryAfter?: number): PushError {
  return Object.assign(new Error(message), {
    name: "PushError",
    code,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

function platform(): PushEnvironment {
  const { WebSocket, EventSource, window, document, location } = globalThis as unknown as PushEnvironment;
  return {
    WebSocket,
    EventSource,
    window,
    document,
    location,
    fetch: (url, init) => fetch(url, init),
    now: () => performance.now(),
    random: Math.random,
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimer: (timer) => clearTimeout(timer as number),
  };
}
