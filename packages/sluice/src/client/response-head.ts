/** What the codec hands over when the head of an answer is complete. */
import type { FieldLines } from "../http1/sinks.js";

/** A head as the codec gave it. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** 10 or 11. */
  readonly version: number;
  readonly fields: FieldLines;
}
