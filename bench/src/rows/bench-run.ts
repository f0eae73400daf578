/** What every part of the bench gets. */
import type { Cores } from "../harness/cores.js";
import type { Effort } from "../harness/effort.js";
import { type Contestant, measureRow, type RowFigures, type RowStyle } from "../harness/row.js";

/** One part: makes its rows, one after the other. */
export type Part = (run: BenchRun) => Promise<void>;

/** One start of the bench. */
export class BenchRun {
  readonly effort: Effort;
  readonly cores: Cores;
  readonly bun: string | undefined;
  readonly rows: RowFigures[] = [];
  /** Rows and contestants that failed. */
  readonly failures: string[] = [];
  /** Peers that are not on this machine. */
  readonly absent = new Set<string>();
  readonly #onRow: (row: RowFigures) => void;

  constructor(effort: Effort, cores: Cores, bun: string | undefined, onRow: (row: RowFigures) => void) {
    this.effort = effort;
    this.cores = cores;
    this.bun = bun;
    this.#onRow = onRow;
  }

  /** Measures a row and shows it. A row that fails is noted, and the bench goes on. */
  async row(style: RowStyle, contestants: readonly Contestant[]): Promise<void> {
    await this.attempt(`${style.part}: ${style.title}`, async () => {
      const figures = await measureRow(style, contestants, this.effort);
      this.rows.push(figures);
      this.#onRow(figures);
    });
  }

  /** Notes what `task` throws. */
  async attempt(title: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.failures.push(`${title}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
