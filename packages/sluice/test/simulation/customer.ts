/** One session's requests in a simulation: what is asked, how the answer is consumed, and what must be true of it. */

import type { RequestOptions, SessionOptions } from "../../src/client/options.js";
import type { ClientResponse } from "../../src/client/response.js";
import type { ClientSession } from "../../src/client/session.js";
import { sleep } from "../../src/concurrency/sleep.js";
import { isSluiceError, ProtocolError, UsageError } from "../../src/errors.js";
import type { SimulatedNetwork } from "../../src/testing/simulation/simulated-network.js";
import type { Dice } from "./dice.js";
import { bodyOf, type Witness } from "./witness.js";

export interface CustomerParts {
  readonly net: SimulatedNetwork;
  readonly dice: Dice;
  readonly witness: Witness;
  readonly session: ClientSession;
  readonly options: SessionOptions;
  readonly origins: readonly string[];
  /** A bug put in on purpose. */
  readonly spoil?: (signal: AbortSignal) => AbortSignal;
}

/** The timer wheel's own precision. */
const SLACK_MS = 2;
const LONGEST_READER_PAUSE_MS = 500;

interface Order {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  /** Bytes of the body that a 200 must have; undefined: any number. */
  readonly size: number | undefined;
  readonly uploadSize: number | undefined;
}

/** Makes `count` requests one after the other. */
export async function visit(parts: CustomerParts, count: number): Promise<void> {
  const { dice, net } = parts;
  for (let made = 0; made < count; made += 1) {
    if (dice.chance(0.3)) await sleep(dice.int(0, 3_000), { clock: net.clock });
    if (parts.session.closed) return;
    await makeRequest(parts);
  }
}

async function makeRequest(parts: CustomerParts): Promise<void> {
  const { dice, witness, net, session } = parts;
  const order = draw(parts);
  const total = dice.int(200, 20_000);
  const stop = new AbortController();
  const hasSignal = dice.chance(0.3);
  const reason = new Error(`${order.id} is not wanted any more`);
  const options = optionsFor(order, total, dice, net);
  const watched = witness.watch(stop.signal);
  const signal = hasSignal ? { signal: parts.spoil?.(watched) ?? watched } : {};
  const start = net.clock.now();
  // What has arrived may be read at leisure.
  const leisure = { ms: 0 };
  const ended = (outcome: string) => {
    witness.ended(order.id, outcome, net.clock.now() - start, total + SLACK_MS + leisure.ms);
  };
  const aborting = hasSignal && dice.chance(0.6) ? abortLater(stop, reason, dice.int(0, 4_000), net) : undefined;
  try {
    const sending = session.request(order.method, order.url, { ...options, ...signal });
    ended(await consume(parts, order, sending, leisure));
  } catch (error) {
    ended(judge(parts, order, error, reason));
  }
  await aborting;
}

function draw({ dice, witness, origins }: CustomerParts): Order {
  const id = witness.newId();
  const origin = dice.pick(origins);
  const size = dice.size();
  const make = (method: string, path: string, expected?: number, uploadSize?: number): Order => {
    return { id, method, url: `${origin}${path}?id=${id}`, size: expected, uploadSize };
  };
  const percent = dice.pick([20, 50, 90]);
  const orders = [
    () => make("GET", `/plain/${size}`, size),
    () => make("HEAD", `/plain/${size}`, 0),
    () => make("GET", `/stream/${size}`, size),
    () => make(dice.pick(["POST", "PUT", "PATCH"]), "/echo", size, size),
    () => make(dice.pick(["POST", "PUT"]), "/ignore", 10, size),
    () => make(dice.pick(["GET", "POST", "PUT"]), `/flaky/${percent}`, 30),
    () => make(dice.pick(["GET", "POST"]), `/slow/${dice.int(0, 5_000)}`, 5),
    () => make(dice.pick(["GET", "POST"]), "/never"),
    () => make("GET", "/close", 20),
    () => make("GET", `/cut/${size}`),
    () => make(dice.pick(["GET", "POST", "PUT"]), `/redirect/${dice.int(0, 4)}`, 40),
    () => make("GET", "/plain/1000000", 1_000_000),
  ];
  return dice.pick([...orders, ...orders.slice(0, 4)])();
}

function optionsFor(order: Order, total: number, dice: Dice, net: SimulatedNetwork): RequestOptions {
  const limits = ["queue", "connect", "headers", "read", "write", "attempt"] as const;
  const timeout = Object.fromEntries(limits.filter(() => dice.chance(0.2)).map((name) => [name, dice.int(50, 5_000)]));
  return {
    timeout: { ...timeout, total },
    maxRedirects: dice.int(0, 5),
    allowInsecureRedirect: dice.chance(0.8),
    ...(order.uploadSize === undefined ? {} : { body: uploadOf(bodyOf(order.id, order.uploadSize), dice, net) }),
  };
}

/** Whole, made anew for each try, or a stream that is sent once. */
function uploadOf(body: Buffer, dice: Dice, net: SimulatedNetwork): NonNullable<RequestOptions["body"]> {
  const cuts = [dice.int(0, body.length), body.length];
  const pause = dice.chance(0.3) ? dice.int(0, 1_000) : undefined;
  async function* source() {
    let from = 0;
    for (const to of cuts) {
      if (pause !== undefined) await sleep(pause, { clock: net.clock });
      yield body.subarray(from, to);
      from = to;
    }
  }
  return dice.pick([() => body, () => source, source])() as NonNullable<RequestOptions["body"]>;
}

async function abortLater(stop: AbortController, reason: Error, ms: number, net: SimulatedNetwork): Promise<void> {
  await sleep(ms, { clock: net.clock });
  stop.abort(reason);
}

/** Milliseconds that the reader has taken for itself. */
interface Leisure {
  ms: number;
}

type Sending = ReturnType<ClientSession["request"]>;

/** Takes the answer in one of the ways there are; gives what became of it. */
async function consume(parts: CustomerParts, order: Order, sending: Sending, leisure: Leisure): Promise<string> {
  const { dice } = parts;
  const way = dice.pick([
    "bytes",
    "bytes",
    "response",
    "response",
    "pieces",
    "discard",
    "forget",
    "break off",
  ] as const);
  if (way === "bytes") {
    const bytes = await sending.bytes();
    checkBody(parts, order, bytes, way);
    return `${way} ${bytes.byteLength}`;
  }
  const response = await sending;
  checkHead(parts, order, response);
  if (way === "discard") response.discard();
  else if (way === "forget") await forget(parts, order, response, leisure);
  else if (way === "response") checkBody(parts, order, await response.bytes(), `${response.status}`, response.status);
  else
    await readPieces(parts, order, response, way === "break off" ? dice.int(0, 3) : Number.POSITIVE_INFINITY, leisure);
  return `${way} ${response.status}`;
}

async function forget(
  { net, witness }: CustomerParts,
  order: Order,
  response: ClientResponse,
  leisure: Leisure,
): Promise<void> {
  await rest(net, LONGEST_READER_PAUSE_MS, leisure);
  witness.unread(order.id, response.body.bytesReceived);
}

async function rest(net: SimulatedNetwork, ms: number, leisure: Leisure): Promise<void> {
  leisure.ms += ms;
  await sleep(ms, { clock: net.clock });
}

async function readPieces(
  parts: CustomerParts,
  order: Order,
  response: ClientResponse,
  patience: number,
  leisure: Leisure,
): Promise<void> {
  const { dice, net } = parts;
  const read: Buffer[] = [];
  for await (const piece of response.body) {
    read.push(Buffer.from(piece));
    if (read.length > patience) return;
    if (dice.chance(0.2)) await rest(net, dice.int(0, LONGEST_READER_PAUSE_MS), leisure);
  }
  checkBody(parts, order, Buffer.concat(read), "pieces", response.status);
}

function checkHead({ witness }: CustomerParts, order: Order, response: ClientResponse): void {
  const owner = response.headers.get("x-id");
  // What the connection itself refuses has no owner.
  if (owner === null && response.status >= 400) return;
  if (owner !== order.id) witness.mismatch(order.id, `got the answer to ${owner}`);
}

function checkBody({ witness }: CustomerParts, order: Order, bytes: Uint8Array, how: string, status = 200): void {
  if (status !== 200) return;
  const expected = bodyOf(order.id, bytes.byteLength);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (text.equals(expected) && (order.size === undefined || order.size === bytes.byteLength)) return;
  // `bytes()` gives the body of refusals too.
  if (how === "bytes" && /^(failed|not now|\d{3} )/.test(text.toString("latin1", 0, 20))) return;
  if (how === "bytes" && bytes.byteLength === 0) return;
  witness.mismatch(
    order.id,
    `got ${bytes.byteLength} bytes of ${order.size} by ${how}: ${text.toString("latin1", 0, 40)}`,
  );
}

/** What an error may be: the caller's own reason, or one of ours that a bad network and a strained server explain. */
function judge({ witness }: CustomerParts, order: Order, error: unknown, reason: Error): string {
  if (error === reason) return "aborted";
  const isMistake = error instanceof UsageError && !error.code.startsWith("redirect/");
  if (!isSluiceError(error) || isMistake || error instanceof ProtocolError) {
    witness.breach("unexpected", `${order.id} ${order.method} ${order.url}: ${String(error)}`);
    return "unexpected";
  }
  return error.code;
}
