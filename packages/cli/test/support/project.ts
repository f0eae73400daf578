/** Programs for `sluice dev`, each in a folder of its own. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { emptyFolder } from "./folder.js";

const LIBRARY = fileURLToPath(new URL("../../../sluice", import.meta.url));

/** An application that answers with a text of another module and its process's id. */
export const APPLICATION = (from: string): string => `
import { Application } from "sluice/server";
import { text } from ${JSON.stringify(from)};
const app = new Application();
app.get("/", () => [text, process.pid, process.env.NODE_ENV ?? null, process.argv.slice(2), process.env.FROM_FILE]);
export default app;
`;

export type Files = Readonly<Record<string, string>>;

/** A folder with a program in it, of ES modules, that can import the library. */
export async function project(files: Files): Promise<{ readonly cwd: string; write(files: Files): Promise<void> }> {
  const cwd = await emptyFolder();
  await mkdir(join(cwd, "node_modules"));
  await symlink(LIBRARY, join(cwd, "node_modules/sluice"));
  const write = async (more: Files): Promise<void> => {
    for (const [name, text] of Object.entries(more)) {
      await mkdir(dirname(join(cwd, name)), { recursive: true });
      await writeFile(join(cwd, name), text);
    }
  };
  await write({ "package.json": '{"type":"module"}', ...files });
  return { cwd, write };
}

export async function ask(url: string): Promise<unknown[]> {
  return (await (await fetch(url)).json()) as unknown[];
}

export function isAlive(pid: unknown): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Below those that systems give away by themselves, and not those of the other test files, which run beside this one. */
let tried = 30_000 + ((process.pid * 101) % 2_000);

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    tried += 1;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(tried, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return tried;
  }
}
