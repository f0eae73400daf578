/** 304 instead of an answer that is known: who would have changed that one changes this one alike (RFC 9110 §15.4.5). */

import type { FieldLines } from "../http1/sinks.js";
import { Reply } from "./reply.js";

/** The 200 in whose place a 304 stands. */
export interface SparedAnswer {
  readonly fields: FieldLines;
  /** Bytes of its body; undefined where nobody knew. */
  readonly length: number | undefined;
}

/** See the head of this file. */
export class NotModified extends Reply {
  readonly spared: SparedAnswer;

  constructor(fields: FieldLines, spared: SparedAnswer) {
    super(304, fields);
    this.spared = spared;
  }
}
