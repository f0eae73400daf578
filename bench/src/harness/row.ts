/**
 * What a row is, and how its runs become figures: a run is cut into slices in which the contestants take turns (A B C, A B C …), and
 * a ratio is taken between runs made of the same turns, so that whatever else the machine does meets both.
 */
import type { Effort } from "./effort.js";
import { type Spread, spreadOf } from "./statistics.js";

/** What one run of one contestant gave. Higher is better, unless the row says otherwise. */
export interface Run {
  /** By the clock on the wall. */
  readonly wall: number;
  /** By the CPU time of the measured process; undefined where that cannot be known. */
  readonly cpu: number | undefined;
}

/** One that takes part in a row. */
export interface Contestant {
  readonly name: string;
  run(): Promise<Run>;
}

/** How the figures of a row are to be read. */
export interface RowStyle {
  readonly part: string;
  readonly title: string;
  /** Of the figure by the wall, such as `requests/s`. */
  readonly unit: string;
  /** Of the figure by the CPU, such as `requests/CPU s`; undefined for rows that have none. */
  readonly cpuUnit: string | undefined;
  /** Time or memory: the ratio says how many times less we need. */
  readonly lowerIsBetter?: boolean;
  /** One piece a run: what a contestant does cannot be cut. */
  readonly whole?: boolean;
  /**
   * A run is the median of its pieces instead of their mean, and of so many times as many, for a median needs more to be as steady: for
   * tails, which one bad moment of the machine would decide otherwise.
   */
  readonly medianOf?: number;
  /** Least ratio to each peer, by its name. */
  readonly targets?: Readonly<Record<string, number>>;
  /** Growth: what the second may cost at the most, in costs of the first. Such rows compare us with ourselves. */
  readonly most?: number;
}

/** The figures of one contestant. */
export interface ContestantFigures {
  readonly name: string;
  readonly wall: Spread;
  readonly cpu: Spread | undefined;
  /** Ours to theirs, of the runs of each turn; undefined for ours. By CPU time where both have it, else by the wall. */
  readonly ratio: Spread | undefined;
  readonly target: number | undefined;
  readonly runs: readonly Run[];
}

/** A measured row; the first contestant is ours. */
export interface RowFigures extends RowStyle {
  readonly contestants: readonly ContestantFigures[];
}

/** Has the contestants take turns. */
export async function measureRow(
  style: RowStyle,
  contestants: readonly Contestant[],
  { rounds, slices }: Pick<Effort, "rounds" | "slices">,
): Promise<RowFigures> {
  const runs = contestants.map((): Run[] => []);
  for (let round = 0; round < rounds; round += 1) {
    const turns = await takeTurns(contestants, style.whole === true ? 1 : slices * (style.medianOf ?? 1));
    for (const [at, pieces] of turns.entries())
      runs[at]?.push(style.medianOf === undefined ? meanOf(pieces) : middleOf(pieces));
  }
  const [ours = []] = runs;
  const figures = contestants.map(({ name }, at) =>
    figuresOf(name, runs[at] ?? [], at === 0 ? undefined : ours, style),
  );
  return { ...style, contestants: figures };
}

async function takeTurns(contestants: readonly Contestant[], slices: number): Promise<Run[][]> {
  const turns = contestants.map((): Run[] => []);
  for (let slice = 0; slice < slices; slice += 1) {
    for (const [at, contestant] of contestants.entries()) {
      turns[at]?.push(await contestant.run().catch((error: unknown) => refuse(contestant.name, error)));
    }
  }
  return turns;
}

function meanOf(pieces: readonly Run[]): Run {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const cpus = pieces.flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu]));
  return {
    wall: mean(pieces.map(({ wall }) => wall)),
    cpu: cpus.length === pieces.length ? mean(cpus) : undefined,
  };
}

function middleOf(pieces: readonly Run[]): Run {
  return { wall: spreadOf(pieces.map(({ wall }) => wall)).median, cpu: undefined };
}

function figuresOf(
  name: string,
  runs: readonly Run[],
  ours: readonly Run[] | undefined,
  style: RowStyle,
): ContestantFigures {
  const cpus = runs.flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu]));
  return {
    name,
    wall: spreadOf(runs.map(({ wall }) => wall)),
    cpu: cpus.length === runs.length ? spreadOf(cpus) : undefined,
    ratio: ours === undefined ? undefined : spreadOf(ratiosOf(ours, runs, style.lowerIsBetter === true)),
    target: style.targets?.[name],
    runs,
  };
}

function ratiosOf(ours: readonly Run[], theirs: readonly Run[], lowerIsBetter: boolean): number[] {
  return theirs.map((their, at) => {
    const our = ours[at] ?? their;
    const byCpu = our.cpu !== undefined && their.cpu !== undefined;
    const ratio = byCpu ? (our.cpu ?? 0) / (their.cpu ?? 1) : our.wall / their.wall;
    return lowerIsBetter ? 1 / ratio : ratio;
  });
}

function refuse(name: string, error: unknown): never {
  throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
