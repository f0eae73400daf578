/** How long and how often is measured. */

/** One choice of {@link FULL} and {@link BRIEF}. */
export interface Effort {
  readonly brief: boolean;
  /** Interleaved runs of each contestant. */
  readonly rounds: number;
  /** Pieces of a run, in which the contestants take turns: a machine that is slow for a second is slow for all of them. */
  readonly slices: number;
  /** Milliseconds of work before the first round, so that the compiler is done. */
  readonly warmUp: number;
  /** Milliseconds of work before each slice, unmeasured: connections are there again, caches are warm. */
  readonly leadIn: number;
  /** Milliseconds measured in each slice. */
  readonly window: number;
  /** Processes started for each run of the start-up rows. */
  readonly starts: number;
  /** Connections held open in the memory row. */
  readonly idleConnections: number;
  /** Waiting requests in the growth row; ten times as many are compared with it. */
  readonly queued: number;
}

/** For figures: five interleaved runs. */
export const FULL: Effort = {
  brief: false,
  rounds: 5,
  slices: 12,
  warmUp: 1_500,
  leadIn: 40,
  window: 160,
  starts: 10,
  idleConnections: 5_000,
  queued: 1_000,
};

/** To see that every row still runs; its figures mean nothing. */
export const BRIEF: Effort = {
  brief: true,
  rounds: 1,
  slices: 1,
  warmUp: 50,
  leadIn: 20,
  window: 100,
  starts: 1,
  idleConnections: 200,
  queued: 100,
};
