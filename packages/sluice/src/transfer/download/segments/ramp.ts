/**
 * How many segments there should be, found out by trying: two are added at a time while that makes the whole faster, and no more once it
 * did not. A file that comes fast enough over one connection is done before the first look. Pure: it is told the speed once a second.
 */

/** More than noise. */
const WORTH_IT = 1.15;
const STEP = 2;

/** See the head of this file. */
export class Ramp {
  readonly #most: number;
  #count = 1;
  #before = 0;
  #settled = false;

  constructor(most: number) {
    this.#most = most;
    this.#settled = most === 1;
  }

  /** The number to have from now on, after `speed` bytes a second since the last look with the number that was given then. */
  look(speed: number): number {
    if (this.#settled || speed === 0) return this.#count;
    if (speed < this.#before * WORTH_IT) {
      this.#settled = true;
      return this.#count;
    }
    this.#before = speed;
    this.#count = Math.min(this.#most, this.#count === 1 ? STEP : this.#count + STEP);
    this.#settled = this.#count === this.#most;
    return this.#count;
  }
}
