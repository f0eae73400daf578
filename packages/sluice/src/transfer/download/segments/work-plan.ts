/**
 * Who fetches which bytes. Every worker has a claim: a stretch it fetches from its front to its end. One that is done takes the first
 * stretch nobody has claimed; where there is none, half of what the one that would take longest has left ("work stealing"), so that all
 * end at about the same time, however unequal they are. Pure: speeds are handed in.
 */

import type { Extent, Extents } from "../store/extents.js";

/** A stretch that one worker fetches. */
export interface Claim {
  /** Where the next byte goes. Moved by the worker. */
  position: number;
  /** Where what has been written ends, and is known to the store: what lies before is its affair. Moved by the worker. */
  written: number;
  /** Where it ends: the first byte that is not its own. `Infinity` where nobody knows how long the file is. May come nearer. */
  end: number;
  /** Bytes a second, lately; 0 where nobody knows. Kept by the worker. */
  speed: number;
  /** It lags far behind the others: it gives up smaller pieces. Kept by whoever watches. */
  slow: boolean;
}

/** What of a slow claim is worth another connection. */
const LEAST_FROM_SLOW = 128 * 1024;
/** Cuts lie where disks and caches like them. */
const ALIGNMENT = 64 * 1024;

/** See the head of this file. */
export class WorkPlan {
  /** Bytes of the whole; `Infinity` where nobody knows. */
  size: number;
  readonly #have: Extents;
  readonly #least: number;
  readonly #claims = new Set<Claim>();

  /** `have` is kept by the store; no piece is split into less than `least` bytes. */
  constructor(have: Extents, size: number, least: number) {
    this.#have = have;
    this.size = size;
    this.#least = least;
  }

  get claims(): ReadonlySet<Claim> {
    return this.#claims;
  }

  /** The next stretch for a worker without one; undefined when there is nothing worth another connection. */
  next(): Claim | undefined {
    const gap = this.#freeGap();
    if (gap !== undefined) return this.#claim(gap);
    return Number.isFinite(this.size) ? this.#steal() : undefined;
  }

  /** The claim is given back, with what it has not fetched. */
  release(claim: Claim): void {
    this.#claims.delete(claim);
  }

  /**
   * The worker has reached its end and its answer goes on: its claim is lengthened over what is still wanted and nobody's. False if
   * that is nothing.
   */
  extend(claim: Claim, until: number): boolean {
    const taken = this.#takenBy(claim);
    const gap = taken.gapAfter(claim.end, Math.min(until, this.size));
    if (gap === undefined || gap.start !== claim.end) return false;
    claim.end = gap.end;
    return true;
  }

  #freeGap(): Extent | undefined {
    return this.#takenBy(undefined).gapAfter(0, this.size);
  }

  /** What is there or claimed, but for what `besides` has claimed. */
  #takenBy(besides: Claim | undefined): Extents {
    const taken = this.#have.copy();
    for (const claim of this.#claims) {
      if (claim !== besides) taken.add(claim.written, Math.min(claim.end, this.size));
      else taken.add(0, claim.end);
    }
    return taken;
  }

  #steal(): Claim | undefined {
    const usual = usualSpeed(this.#claims);
    let longest: Claim | undefined;
    let longestTime = 0;
    for (const claim of this.#claims) {
      const left = claim.end - claim.position;
      const time = left / (claim.speed > 0 ? claim.speed : usual);
      if (left < (claim.slow ? LEAST_FROM_SLOW : 2 * this.#least) || time <= longestTime) continue;
      longest = claim;
      longestTime = time;
    }
    if (longest === undefined) return undefined;
    const middle = longest.position + Math.ceil((longest.end - longest.position) / 2);
    const aligned = Math.ceil(middle / ALIGNMENT) * ALIGNMENT;
    const start = aligned < longest.end ? aligned : middle;
    const end = longest.end;
    longest.end = start;
    return this.#claim({ start, end });
  }

  #claim({ start, end }: Extent): Claim {
    const claim: Claim = { position: start, written: start, end, speed: 0, slow: false };
    this.#claims.add(claim);
    return claim;
  }
}

/** What a claim whose speed nobody knows yet is taken to have: that of the others. */
function usualSpeed(claims: Iterable<Claim>): number {
  let [sum, count] = [0, 0];
  for (const { speed } of claims) {
    if (speed === 0) continue;
    sum += speed;
    count += 1;
  }
  return count === 0 ? 1 : sum / count;
}
