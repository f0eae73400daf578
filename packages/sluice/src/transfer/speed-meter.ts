/** How fast bytes come, over the last few seconds: an exponential average, weighted by how long each stretch was. Time is handed in. */

/** What was this many milliseconds ago counts a third. */
const MEMORY_MS = 2_000;
/** Shorter stretches are not looked at: they say more about buffers than about speed. */
const LEAST_STRETCH_MS = 50;

/** See the head of this file. */
export class SpeedMeter {
  #speed = 0;
  #counted = 0;
  #bytes = 0;
  #since: number;
  #first = true;

  constructor(now: number) {
    this.#since = now;
  }

  /** All that have come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** So many more bytes. */
  add(byteLength: number): void {
    this.#bytes += byteLength;
  }

  /** Bytes a second; falls while nothing comes. */
  at(now: number): number {
    const stretch = now - this.#since;
    if (stretch < LEAST_STRETCH_MS) return this.#speed;
    const speed = ((this.#bytes - this.#counted) / stretch) * 1_000;
    this.#speed += (speed - this.#speed) * (this.#first ? 1 : 1 - Math.exp(-stretch / MEMORY_MS));
    this.#first = false;
    this.#counted = this.#bytes;
    this.#since = now;
    return this.#speed;
  }
}
