/**
 * `session.fetch`, a function that needs no `this`: any SDK that takes a `fetch` can be given it.
 *
 * What it does is loaded by its first call, because most programs never call it. Until that is there, what the caller gave is kept
 * as it is at the moment of the call: the standard reads headers and body then, and the caller may change them afterwards.
 */
import type { SessionEngine } from "../session-engine.js";
import { type CallSite, takeCallSite } from "../warnings.js";
import { INIT_MEMBERS, type UncheckedInit } from "./init-members.js";
import type { FetchCaller, runFetch } from "./run-fetch.js";

/** The platform's own type of `fetch`. */
export type Fetch = typeof globalThis.fetch;

/** Where a session's `fetch` sends its requests. */
export interface FetchHome {
  readonly engine: SessionEngine;
  readonly signals: readonly AbortSignal[];
  readonly development: boolean;
}

let run: typeof runFetch | undefined;

/** The `fetch` of one session, or of a view of it. */
export function boundFetch({ engine, signals, development }: FetchHome): Fetch {
  function fetch(input: unknown, init?: unknown): Promise<Response> {
    const site: CallSite | undefined = development ? takeCallSite(fetch) : undefined;
    const caller = { engine, signals, site };
    return run === undefined ? firstFetch(caller, input, init) : run(caller, input, init);
  }
  return fetch as Fetch;
}

async function firstFetch(caller: FetchCaller, input: unknown, init: unknown): Promise<Response> {
  const keptInput = inputAsItIs(input);
  const keptInit = initAsItIs(init);
  ({ runFetch: run } = await import("./run-fetch.js"));
  return run(caller, keptInput, keptInit);
}

/** A `Request` is used up by the call; what is no `Request` is asked for its text once. */
function inputAsItIs(input: unknown): unknown {
  if (typeof input !== "object" || input instanceof URL) return String(input);
  return input instanceof Request ? new Request(input) : input;
}

function initAsItIs(init: unknown): unknown {
  if (typeof init !== "object" || init === null) return init;
  const kept: { -readonly [name in keyof UncheckedInit]: unknown } = {};
  for (const name of INIT_MEMBERS) {
    const value = (init as UncheckedInit)[name];
    if (value !== undefined) kept[name] = value;
  }
  if (kept.headers !== undefined) kept.headers = [...new Headers(kept.headers as Headers)];
  kept.body = bodyAsItIs(kept.body);
  return kept;
}

/** Streams and blobs cannot be changed by their maker, or only as streams are. */
function bodyAsItIs(body: unknown): unknown {
  if (body instanceof ArrayBuffer) return body.slice(0);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  if (body instanceof URLSearchParams) return new URLSearchParams(body);
  if (!(body instanceof FormData)) return body;
  const copy = new FormData();
  for (const [name, value] of body) copy.append(name, value as string);
  return copy;
}
