/** What a terminal shows of what is written to it: text, wrapped, and the few movements that line editing makes of the cursor. */

/** Control sequences (ECMA-48 §5.4) of one parameter, and characters. */
const PARTS = new RegExp(`${"\u001b"}\\[(\\d*)([A-Z])|.`, "gsu");

/** Rows without their trailing spaces. A line feed returns, too, as a terminal's does. */
export class Screen {
  readonly #columns: number;
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** The rows up to the last that has something in it. */
  get text(): string {
    return this.#rows
      .map((row) =>
        Array.from(row, (cell) => cell ?? " ")
          .join("")
          .trimEnd(),
      )
      .join("\n")
      .trimEnd();
  }

  write(text: string): void {
    for (const [part, count, movement] of text.matchAll(PARTS)) {
      if (movement !== undefined) this.#move(movement, count === "" ? undefined : Number(count));
      else if (part === "\r") this.#column = 0;
      else if (part === "\n") this.#nextRow();
      else this.#put(part);
    }
  }

  #move(movement: string, count: number | undefined): void {
    if (movement === "A") this.#row = Math.max(this.#row - (count ?? 1), 0);
    else if (movement === "B") this.#row += count ?? 1;
    else if (movement === "C") this.#column += count ?? 1;
    else if (movement === "D") this.#column = Math.max(this.#column - (count ?? 1), 0);
    else if (movement === "G") this.#column = (count ?? 1) - 1;
    else if (movement === "J" || movement === "K") this.#clear(movement);
    else throw new Error(`Cannot show the sequence ${movement}`);
  }

  #clear(movement: string): void {
    this.#rows[this.#row]?.splice(this.#column);
    if (movement === "J") this.#rows.splice(this.#row + 1);
  }

  #put(character: string): void {
    if (this.#column === this.#columns) this.#nextRow();
    const row = this.#rows[this.#row];
    if (row === undefined) throw new Error("The cursor is below what was written");
    row[this.#column] = character;
    this.#column += 1;
  }

  #nextRow(): void {
    this.#row += 1;
    this.#column = 0;
    this.#rows[this.#row] ??= [];
  }
}
