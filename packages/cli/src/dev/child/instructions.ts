/** What the command tells the program's process, as a part of the preloaded module's URL: it shows neither in arguments nor in variables. */

/** See the head of this file. */
export interface Instructions {
  /** The command's process. */
  readonly parent: number;
  /** The program's file. */
  readonly program: string;
  /** The port for what the program exports; undefined is that of the environment, or the usual one. */
  readonly port: number | undefined;
  readonly host: string;
  /** Milliseconds from the wish that it ends to its end. */
  readonly graceMs: number;
}

/** The URL of `module` with instructions for it. */
export function withInstructions(module: URL, instructions: Instructions): string {
  const url = new URL(module);
  url.hash = encodeURIComponent(JSON.stringify(instructions));
  return url.href;
}

/** The instructions of a module by its own URL. */
export function instructionsFrom(moduleUrl: string): Instructions {
  return JSON.parse(decodeURIComponent(new URL(moduleUrl).hash.slice(1))) as Instructions;
}
