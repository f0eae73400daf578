/**
 * What a peer can make us work by being awkward: dripping a head, many fields, tiny chunks. Twice as many bytes must cost twice as
 * much, not four times, and the factor between bytes in one piece and bytes one by one is shown.
 */
import type { AwkwardAnswer, CodecOrders } from "../codec/codec-main.js";
import { Child } from "../harness/child.js";
import type { Contestant } from "../harness/row.js";
import type { BenchRun } from "./bench-run.js";

const STYLE = { part: "codec", unit: "µs/answer", cpuUnit: "CPU µs/answer", lowerIsBetter: true } as const;
const IN_ONE_PIECE = Number.MAX_SAFE_INTEGER;
const USUAL: AwkwardAnswer = { fields: 5, body: 13, chunk: 0, read: IN_ONE_PIECE };

/** Awkward answers, read by the client from memory. */
export async function codecRows(run: BenchRun): Promise<void> {
  const child = new Child<CodecOrders>({ module: "codec/codec-main.js", core: run.cores.client });
  const reading = (name: string, shape: Partial<AwkwardAnswer>): Contestant => {
    const answer = { ...USUAL, ...shape };
    return { name, run: () => child.tell("read", { answer, milliseconds: run.effort.window }) };
  };
  try {
    await run.row({ ...STYLE, title: "head with 100 field lines" }, [
      reading("5 fields", {}),
      reading("100 fields", { fields: 100 }),
      reading("100, byte by byte", { fields: 100, read: 1 }),
    ]);
    await run.row({ ...STYLE, title: "head dripped byte by byte", most: 2 }, [
      reading("100 fields", { fields: 100, read: 1 }),
      reading("200 fields", { fields: 200, read: 1 }),
    ]);
    await run.row({ ...STYLE, title: "body in chunks of one byte", most: 2 }, [
      reading("16,384 chunks", { body: 16_384, chunk: 1 }),
      reading("32,768 chunks", { body: 32_768, chunk: 1 }),
    ]);
    await run.row({ ...STYLE, title: "the same, byte by byte", most: 2 }, [
      reading("4,096 chunks", { body: 4_096, chunk: 1, read: 1 }),
      reading("8,192 chunks", { body: 8_192, chunk: 1, read: 1 }),
    ]);
  } finally {
    await child.end();
  }
}
