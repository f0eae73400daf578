/**
 * A bus whose messages outlive the process: one line of JSON for each in a file, appended when it is published and read again at the next
 * start. Each comes back with its id, by which clients that were there before know what they have had.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { MemoryBus, type NewMessage, type Published, type Retention } from "sluice/push";

interface Line extends NewMessage {
  readonly room: string;
  readonly id: string;
}

const FOREVER = Number.POSITIVE_INFINITY;

export class KeptBus extends MemoryBus {
  readonly #path: string;
  readonly #keep: number;
  /** Lines in the file, and those at which it is made shorter: twice as many as it had then, so that this costs little. */
  #lines = 0;
  #mostLines = 0;

  /** `keep`: messages of each room that outlive a start. */
  constructor(path: string, keep: number) {
    super();
    this.#path = path;
    this.#keep = keep;
  }

  /** Publishes what there was before, and makes the file as long as that. */
  async restore(): Promise<void> {
    const retention = { count: this.#keep, ageMs: FOREVER, bytes: FOREVER };
    for (const { room, ...message } of this.#shorten()) await super.publish(room, message, retention);
  }

  /** The publisher is told when the line is written: what it knows to be taken is there after the next start, however this process ends. */
  override async publish(room: string, message: NewMessage, retention: Retention): Promise<Published> {
    const published = await super.publish(room, message, retention);
    if (!published.duplicate) {
      appendFileSync(this.#path, format({ room, ...message, id: published.id }), { mode: 0o600 });
      this.#lines += 1;
      if (this.#lines > this.#mostLines) this.#shorten();
    }
    return published;
  }

  /** Takes from the file what is kept no more, and returns what is. */
  #shorten(): Line[] {
    const lines = existsSync(this.#path) ? this.#read() : [];
    // As a whole or not at all: a file that is renamed is never half a file.
    writeFileSync(`${this.#path}.new`, lines.map(format).join(""), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
    this.#lines = lines.length;
    this.#mostLines = 2 * Math.max(lines.length, this.#keep);
    return lines;
  }

  /** The newest lines of each room, in order. */
  #read(): Line[] {
    const counts = new Map<string, number>();
    const kept: Line[] = [];
    for (const text of readFileSync(this.#path, "utf8").split("\n").reverse()) {
      const line = parse(text);
      if (line === undefined) continue;
      const count = (counts.get(line.room) ?? 0) + 1;
      counts.set(line.room, count);
      if (count <= this.#keep) kept.push(line);
    }
    return kept.reverse();
  }
}

function format(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/** The last line may have been cut off when the process was killed: that message was confirmed to nobody. */
function parse(text: string): Line | undefined {
  try {
    return text === "" ? undefined : (JSON.parse(text) as Line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
