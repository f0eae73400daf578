/**
 * What the library notices about its use while a program is being developed: requests nobody awaits, sessions nobody closes, a
 * session for every request. Each is said once per place in the program, as a process warning with a code. With
 * `NODE_ENV=production` nothing of this exists: no call site is taken, nothing is registered with the garbage collector.
 */

/** Places already warned about are remembered up to this many. */
const REMEMBERED_PLACES = 1_000;
/** So many sessions in a row with one request each are a pattern. */
const SINGLE_REQUEST_SESSIONS = 10;

/** Frames below this folder are the library's own; loaders differ in whether they name files by URL or by path. */
const LIBRARY_URL = new URL("..", import.meta.url);
const LIBRARY_PATH = decodeURIComponent(LIBRARY_URL.pathname);

const warned = new Set<string>();

/** Whether development warnings are on; asked when a session is made. */
export function inDevelopment(): boolean {
  return process.env["NODE_ENV"] !== "production";
}

/** A place in the program, as a stack that is formatted when it is looked at. */
export interface CallSite {
  readonly stack?: string;
}

/** Where the caller of `below` stands. V8 formats the stack only if somebody looks at it. */
export function takeCallSite(below: Parameters<typeof Error.captureStackTrace>[1]): CallSite {
  const site: CallSite = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 8;
  Error.captureStackTrace(site, below);
  Error.stackTraceLimit = limit;
  return site;
}

/** The first frame outside the library and Node: where in the user's program it happened. */
export function placeOf(site: CallSite | undefined): string {
  const frames = site?.stack?.split("\n").slice(1) ?? [];
  const outside = frames.find((frame) => {
    return !frame.includes("node:") && !frame.includes(LIBRARY_URL.href) && !frame.includes(LIBRARY_PATH);
  });
  return outside?.trim().replace(/^at /, "") ?? "an unknown place";
}

/** Emits `message` once for each `code` and place. */
export function warnOnce(code: string, place: string, message: string): void {
  const key = `${code} ${place}`;
  if (warned.has(key) || warned.size >= REMEMBERED_PLACES) return;
  warned.add(key);
  process.emitWarning(`${message} (at ${place})`, { type: "SluiceWarning", code });
}

/** Forgets what was said: for tests. */
export function forgetWarnings(): void {
  warned.clear();
  singles = 0;
}

interface Forgotten {
  readonly code: string;
  readonly message: string;
  readonly site: CallSite | undefined;
}

let registry: FinalizationRegistry<Forgotten> | undefined;

/** Warns when `thing` is collected without {@link remember} having been called for it. */
export function warnWhenForgotten(thing: object, forgotten: Forgotten): void {
  registry ??= new FinalizationRegistry(({ code, message, site }) => warnOnce(code, placeOf(site), message));
  registry.register(thing, forgotten, thing);
}

/** `thing` was dealt with. */
export function remember(thing: object): void {
  registry?.unregister(thing);
}

let singles = 0;

/** A session was closed after so many requests. */
export function noteSessionEnd(requests: number, site: CallSite | undefined): void {
  singles = requests <= 1 ? singles + 1 : 0;
  if (singles < SINGLE_REQUEST_SESSIONS) return;
  singles = 0;
  warnOnce(
    "SLUICE_SESSION_PER_REQUEST",
    placeOf(site),
    "Sessions are made for one request each: no connection is ever reused; make one session and share it",
  );
}
