/** What a command has to do with the world around it, so that tests can be that world. */
import type { Readable } from "node:stream";
import type { StopSignal } from "../exit-codes.js";
import { Output } from "./output.js";

const STOP_SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

/** A command's surroundings. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Variables of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Has `listener` told of each signal that asks to stop, in place of the process ending; until the returned function is called. */
  onStopSignal(listener: (signal: StopSignal) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** The process itself. */
export function processIo(): Io {
  const { env } = process;
  return {
    // Made when first asked for: most commands read nothing, and an open stdin keeps a process waiting.
    get stdin() {
      return process.stdin;
    },
    stdout: new Output(process.stdout, env),
    stderr: new Output(process.stderr, env),
    env,
    onStopSignal(listener) {
      for (const signal of STOP_SIGNALS) process.on(signal, listener as NodeJS.SignalsListener);
      return () => {
        for (const signal of STOP_SIGNALS) process.off(signal, listener as NodeJS.SignalsListener);
      };
    },
    exit: (code) => process.exit(code),
  };
}
