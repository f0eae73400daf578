/** What `sluice ws` was asked to be, resolved. */
import type { SendingSettings } from "../sending/settings.js";

/** How messages are written where no person looks. */
export type WsOutput = "lines" | "jsonl";

/** See {@link "./define-ws.js"} for what each option means to people. */
export interface WsSettings {
  readonly url: string;
  readonly sending: SendingSettings;
  /** Added to the URL's own query. */
  readonly params: readonly (readonly [name: string, value: string])[];
  readonly protocols: readonly string[];
  readonly compress: boolean;
  readonly reconnects: boolean;
  /** Lines of the input are bytes in hexadecimal. */
  readonly binary: boolean;
  /** Whether standard input is read at all. */
  readonly reads: boolean;
  /** Undefined: laid out on a terminal, lines elsewhere. */
  readonly output: WsOutput | undefined;
  /** Messages that are shown before the end; Infinity for no end. */
  readonly count: number;
  /** Milliseconds of silence behind the end of the input, after which it ends. */
  readonly wait: number;
  /** Milliseconds between heartbeats. */
  readonly heartbeat: number;
  /** Most bytes of a message; undefined where nobody said. */
  readonly maxSize: number | undefined;
}
