/**
 * Everything that happened on a simulated network, as a digest: two runs that have the same one went the same way. FNV-1a over
 * numbers, on two lanes of 32 bits; it is no protection against anybody, only against chance.
 */

const PRIME = 0x01000193;
const OFFSETS = [0x811c9dc5, 0x050c5d1f] as const;

/** What can happen. `size` of `data` is bytes; of all else it is 0. */
export type SimulatedEventKind = "dial" | "refused" | "dns-failure" | "open" | "data" | "end" | "reset" | "closed";

/** One event, when it took effect. */
export interface SimulatedEvent {
  /** Milliseconds of the network's clock. */
  readonly time: number;
  readonly kind: SimulatedEventKind;
  /** Which connection, counted from 1 in the order of dialing. */
  readonly connection: number;
  /** Who it happened to: the end that receives, or is told. */
  readonly end: "client" | "server";
  readonly size: number;
}

const KINDS: readonly SimulatedEventKind[] = [
  "dial",
  "refused",
  "dns-failure",
  "open",
  "data",
  "end",
  "reset",
  "closed",
];

/** Digests events, and passes them on. */
export class EventLog {
  readonly #listener: ((event: SimulatedEvent) => void) | undefined;
  readonly #doubles = new Float64Array(1);
  readonly #words = new Uint32Array(this.#doubles.buffer);
  #first: number = OFFSETS[0];
  #second: number = OFFSETS[1];
  #count = 0;

  constructor(listener: ((event: SimulatedEvent) => void) | undefined) {
    this.#listener = listener;
  }

  /** Events so far. */
  get count(): number {
    return this.#count;
  }

  /** Sixteen hexadecimal digits. */
  get digest(): string {
    return [this.#first, this.#second].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
  }

  add(event: SimulatedEvent): void {
    this.#count += 1;
    this.#doubles[0] = event.time;
    for (const word of this.#words) this.#mix(word);
    this.#mix(KINDS.indexOf(event.kind) * 2 + (event.end === "client" ? 1 : 0));
    this.#mix(event.connection);
    this.#mix(event.size);
    this.#listener?.(event);
  }

  #mix(word: number): void {
    this.#first = Math.imul(this.#first ^ word, PRIME);
    this.#second = Math.imul(this.#second ^ ((word << 13) | (word >>> 19)), PRIME) ^ this.#first;
  }
}
