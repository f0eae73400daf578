/** What the command line decides for `sluice dev`. */
export interface DevSettings {
  /** The program as it was named. */
  readonly program: string;
  /** The program's own arguments. */
  readonly args: readonly string[];
  readonly port: number | undefined;
  readonly host: string;
  /** Files of variables for the program; a later one goes before an earlier one. */
  readonly envFiles: readonly string[];
  /** Files and folders that count like imported files. */
  readonly watch: readonly string[];
  /** Milliseconds between looks at the files; undefined: the system tells of changes. */
  readonly pollMs: number | undefined;
  /** Milliseconds that a program has to end. */
  readonly graceMs: number;
  /** With tsx even where Node takes the types away by itself. */
  readonly tsx: boolean;
  /** What Node's option of the same name is given; true for none. */
  readonly inspect: string | true | undefined;
  /** An empty screen for each start. */
  readonly clear: boolean;
}
