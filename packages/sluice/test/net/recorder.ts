/** A transport handler that writes down what it is told, and lets tests wait for it. */

import type { Transport, TransportHandler } from "../../src/net/transport.js";

export class Recorder implements TransportHandler {
  readonly transport: Transport;
  /** Everything in order: "data", "end", "drain", "close". Runs of data are one entry. */
  readonly events: string[] = [];
  text = "";
  byteCount = 0;
  closeCount = 0;
  closeError: Error | undefined;
  /** Called with each piece, inside onData. */
  onPiece: ((piece: Uint8Array) => void) | undefined;
  /** Set around calls into the transport by {@link guarded}: a call to us meanwhile is nested. */
  calling = false;
  nested = 0;
  readonly #waiting = new Set<() => void>();

  constructor(transport: Transport) {
    this.transport = transport;
  }

  onData(bytes: Uint8Array): void {
    this.byteCount += bytes.length;
    if (this.text.length < 1_000_000) this.text += Buffer.from(bytes).toString("latin1");
    this.onPiece?.(bytes);
    this.#tell("data");
  }

  onEnd(): void {
    this.#tell("end");
  }

  onDrain(): void {
    this.#tell("drain");
  }

  onClose(error: Error | undefined): void {
    this.closeCount += 1;
    this.closeError = error;
    this.#tell("close");
  }

  get ended(): boolean {
    return this.events.includes("end");
  }

  get closed(): boolean {
    return this.closeCount > 0;
  }

  /** Runs a call into the transport during which no call to this handler may happen. */
  guarded<T>(call: () => T): T {
    this.calling = true;
    try {
      return call();
    } finally {
      this.calling = false;
    }
  }

  /** Resolves when `condition` holds, looking after each event. The test's time-out is the limit. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  #tell(event: string): void {
    if (this.calling) this.nested += 1;
    if (this.events.at(-1) !== event || event !== "data") this.events.push(event);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** Attaches a new recorder. */
export function record(transport: Transport): Recorder {
  const recorder = new Recorder(transport);
  transport.attach(recorder);
  return recorder;
}

/** Lets the event loop go round: what was under way on loopback has arrived after a few dozen turns. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
