/** What the body tests share: a source that notes what it is told, ways to cut bytes, and a turn of the event loop. */

import type { BodyOutcome, BodyOwner, BodySource } from "../../src/body/body.js";

/** Notes every call in order. */
export class SourceSpy implements BodySource {
  readonly calls: string[] = [];
  readonly reasons: (Error | undefined)[] = [];
  onResume: () => void = () => {};

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
    this.onResume();
  }

  cancel(reason: Error | undefined): void {
    this.calls.push("cancel");
    this.reasons.push(reason);
  }
}

/** Notes what an owner is told. */
export class OwnerSpy implements BodyOwner {
  readonly events: string[] = [];
  readonly errors: (Error | undefined)[] = [];
  readonly type: string | undefined;
  readonly label: string | undefined;
  described = 0;

  constructor(type?: string, label?: string) {
    this.type = type;
    this.label = label;
  }

  onSettled(outcome: BodyOutcome, error: Error | undefined): void {
    this.events.push(outcome);
    this.errors.push(error);
  }

  onWaiting(waiting: boolean): void {
    this.events.push(waiting ? "waiting" : "not waiting");
  }

  contentType(): string | undefined {
    return this.type;
  }

  charset(): string | undefined {
    return this.label;
  }

  describe(): void {
    this.described += 1;
  }
}

export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

/** Pushes a borrowed piece and spoils the buffer afterwards, as a link with one read buffer does. */
export function lend(body: { push(piece: Uint8Array, borrowed: boolean): boolean }, piece: Uint8Array): boolean {
  const buffer = new Uint8Array(piece);
  const room = body.push(buffer, true);
  buffer.fill(0x21);
  return room;
}

/** `bytes` in pieces of these sizes, over and over; a size of 0 counts as 1. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.byteLength; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** Bytes that look like nothing in particular, the same each time. */
export function noise(byteLength: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  let state = seed;
  for (let at = 0; at < byteLength; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[at] = state >> 16;
  }
  return bytes;
}

/** One turn of the event loop, so that everything that is due has happened. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
