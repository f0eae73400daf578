/**
 * One direction of a simulated connection: what was written at one end, on its way to the other. Conditions are drawn when something is
 * sent (how late, in which pieces, or that it breaks instead), so that what is under way stays as it is. Nothing overtakes.
 */

import { draw, type ResolvedConditions } from "./network-conditions.js";
import { NetworkDeadline, type NetworkTime } from "./network-deadline.js";

const SECOND_MS = 1_000;
/** What Node reads from a socket at once, and so the largest piece. */
const LARGEST_PIECE_BYTES = 64 * 1024;
const MOST_CUTS = 4;
/** Writes up to this many bytes are now and then cut into single bytes. */
const CRUMBLED_BYTES = 200;
const CRUMBLE_CHANCE = 0.1;

/** What all of a network's paths share. */
export interface PathHost extends NetworkTime {
  readonly random: () => number;
  readonly conditions: ResolvedConditions;
}

/** The end that a path leads to. */
export interface PathReceiver {
  /** Whether bytes are taken now; the path waits otherwise. */
  readonly accepting: boolean;
  onPathData(bytes: Buffer): void;
  onPathEnd(): void;
  onPathReset(): void;
  /** All that was sent has arrived. */
  onPathEmpty(): void;
}

interface Item {
  readonly kind: "data" | "end" | "reset";
  bytes: Buffer | undefined;
  dueTime: number;
}

/** Carries bytes, an end or a reset, in order. As a deadline it is the arrival of the next. */
export class SimulatedPath extends NetworkDeadline {
  readonly #host: PathHost;
  readonly #receiver: PathReceiver;
  readonly #breakOff: () => void;
  readonly #items: Item[] = [];
  #bytesUnderway = 0;
  #lastDueTime = 0;
  #delivering = false;
  /** Nothing follows: it ended, or broke. */
  #over = false;
  #broken = false;

  /** `breakOff`: the network resets the connection. */
  constructor(host: PathHost, receiver: PathReceiver, breakOff: () => void) {
    super(host);
    this.#host = host;
    this.#receiver = receiver;
    this.#breakOff = breakOff;
  }

  /** Sent and not taken yet. */
  get bytesUnderway(): number {
    return this.#bytesUnderway;
  }

  /** Whether bytes have arrived that the receiver has not taken. */
  get hasArrived(): boolean {
    const [next] = this.#items;
    return next?.kind === "data" && next.dueTime <= this.#host.clock.now();
  }

  /** The bytes are the path's own. */
  send(bytes: Buffer): void {
    const { random, conditions } = this.#host;
    for (const piece of this.#cut(bytes)) {
      if (this.#over) return;
      const fault = random();
      if (fault < conditions.resets) this.#breakOff();
      else if (fault < conditions.resets + conditions.halfCloses) this.end();
      else this.#push({ kind: "data", bytes: piece, dueTime: this.#arrival(piece.length) });
    }
  }

  /** FIN, behind what was sent. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#push({ kind: "end", bytes: undefined, dueTime: this.#arrival(0) });
  }

  /** RST: what was sent and has not arrived is lost. */
  reset(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#over = true;
    this.#items.length = 0;
    this.#bytesUnderway = 0;
    this.#lastDueTime = 0;
    this.#push({ kind: "reset", bytes: undefined, dueTime: this.#arrival(0) });
  }

  /** The receiver takes bytes again. */
  wake(): void {
    if (!this.#delivering) this.#await();
  }

  protected override due(): void {
    this.#delivering = true;
    this.#deliver();
    this.#delivering = false;
    this.#await();
  }

  #deliver(): void {
    const now = this.#host.clock.now();
    let delivered = false;
    for (let item = this.#items[0]; item !== undefined; item = this.#items[0]) {
      if (item.dueTime > now || !this.#receiver.accepting) break;
      this.#items.shift();
      if (item.bytes !== undefined) {
        this.#bytesUnderway -= item.bytes.length;
        delivered = true;
        this.#receiver.onPathData(item.bytes);
      } else if (item.kind === "end") this.#receiver.onPathEnd();
      else this.#receiver.onPathReset();
    }
    if (delivered && this.#bytesUnderway === 0) this.#receiver.onPathEmpty();
  }

  #await(): void {
    const { clock } = this.#host;
    const [next] = this.#items;
    if (next === undefined || !this.#receiver.accepting) this.disarm();
    else this.arm(Math.max(0, next.dueTime - clock.now()));
  }

  #push(item: Item): void {
    const { random, conditions } = this.#host;
    const last = this.#items.at(-1);
    this.#bytesUnderway += item.bytes?.length ?? 0;
    if (last?.bytes !== undefined && item.bytes !== undefined && random() < conditions.joins) {
      last.bytes = Buffer.concat([last.bytes, item.bytes]);
      last.dueTime = item.dueTime;
    } else this.#items.push(item);
    if (!this.#delivering) this.#await();
  }

  #arrival(bytes: number): number {
    const { clock, random, conditions } = this.#host;
    const { latency, bandwidth, stalls, stallTime } = conditions;
    let time = Math.max(clock.now() + draw(latency, random), this.#lastDueTime) + (bytes / bandwidth) * SECOND_MS;
    if (bytes > 0 && random() < stalls) time += draw(stallTime, random);
    this.#lastDueTime = time;
    return time;
  }

  #cut(bytes: Buffer): Buffer[] {
    const { random, conditions } = this.#host;
    if (random() >= conditions.splits) return slices(bytes, LARGEST_PIECE_BYTES);
    if (bytes.length <= CRUMBLED_BYTES && random() < CRUMBLE_CHANCE) return slices(bytes, 1);
    const pieces: Buffer[] = [];
    let rest = bytes;
    for (let cuts = 1 + Math.floor(random() * MOST_CUTS); cuts > 0 && rest.length > 1; cuts -= 1) {
      const at = 1 + Math.floor(random() * (rest.length - 1));
      pieces.push(...slices(rest.subarray(0, at), LARGEST_PIECE_BYTES));
      rest = rest.subarray(at);
    }
    return [...pieces, ...slices(rest, LARGEST_PIECE_BYTES)];
  }
}

function slices(bytes: Buffer, size: number): Buffer[] {
  if (bytes.length <= size) return [bytes];
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += size) pieces.push(bytes.subarray(from, from + size));
  return pieces;
}
