/**
 * How Node is to run a program: by itself, or with tsx where it does not know TypeScript. Node takes types away (type stripping) and no
 * more; what has to be compiled, enums or JSX for two, is tsx's job in any case.
 */
import { createRequire } from "node:module";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageProblem } from "../usage-problem.js";
import type { DevSettings } from "./settings.js";

const TYPESCRIPT: ReadonlySet<string> = new Set([".ts", ".mts", ".cts"]);
const JSX: ReadonlySet<string> = new Set([".tsx", ".jsx"]);

/** Node's code for syntax that is more than types. */
export const NEEDS_COMPILING = "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX";
/** Node's code for a kind of file that it does not know. */
export const UNKNOWN_EXTENSION = "ERR_UNKNOWN_FILE_EXTENSION";

/** What to install. */
export const INSTALL_TSX = "npm install --save-dev tsx";

/** Whether this Node runs TypeScript by itself. */
export const NODE_KNOWS_TYPES: boolean = Boolean((process.features as { readonly typescript?: unknown }).typescript);

/**
 * The options for Node before those of ours. tsx is looked for from `places`, files or their URLs: the program's own goes before one that
 * was installed beside this command. Throws `UsageProblem` where it is needed and not there.
 */
export function nodeArguments(
  program: string,
  settings: Pick<DevSettings, "tsx" | "inspect" | "envFiles">,
  places: readonly string[] = [program, import.meta.url],
): string[] {
  const { inspect, envFiles } = settings;
  const args = envFiles.map((file) => `--env-file=${file}`);
  if (inspect !== undefined) args.push(inspect === true ? "--inspect" : `--inspect=${inspect}`);
  if (!needsTsx(program, settings.tsx)) return args;
  const tsx = places.map(findTsx).find((url) => url !== undefined);
  if (tsx === undefined) {
    throw new UsageProblem(
      `Cannot run ${program} without tsx: ${INSTALL_TSX} (types alone need none from Node 22.18 on)`,
    );
  }
  return [...args, "--import", tsx];
}

function needsTsx(program: string, wished: boolean): boolean {
  const extension = extname(program);
  return wished || JSX.has(extension) || (TYPESCRIPT.has(extension) && !NODE_KNOWS_TYPES);
}

function findTsx(place: string): string | undefined {
  try {
    return pathToFileURL(createRequire(place).resolve("tsx")).href;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
