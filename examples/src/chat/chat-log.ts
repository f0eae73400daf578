/**
 * What the rooms' histories are when the server starts again: one line of JSON for each message, appended as it is given out. Each has its
 * id, by which clients that were there before know what they have had.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { MemoryBus, PushMessage } from "sluice/push";

/** What `bus.publish` takes besides. */
type Line = Pick<PushMessage, "room" | "id" | "ts" | "from"> & { readonly data: string };

export class ChatLog {
  readonly #path: string;
  readonly #keep: number;

  /** `keep`: messages of each room that outlive a start. */
  constructor(path: string, keep: number) {
    this.#path = path;
    this.#keep = keep;
  }

  /** Gives the bus what it had, and makes the file as long as that. */
  async restore(bus: MemoryBus): Promise<void> {
    if (!existsSync(this.#path)) return;
    const lines = this.#read();
    // As a whole or not at all: a file that is renamed is never half a file.
    writeFileSync(`${this.#path}.new`, lines.map((line) => `${JSON.stringify(line)}\n`).join(""), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
    const retention = { count: this.#keep, ageMs: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
    for (const { room, ...message } of lines) await bus.publish(room, message, retention);
  }

  /** At once, in this turn: who is told that a message was taken finds it after the next start, however this one ends. */
  append({ room, id, ts, from, data }: PushMessage): void {
    const line: Line = { room, id, ts, from, data: JSON.stringify(data) };
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
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

/** The last line may have been cut off when the process was killed: that message was confirmed to nobody. */
function parse(text: string): Line | undefined {
  try {
    return text === "" ? undefined : (JSON.parse(text) as Line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
