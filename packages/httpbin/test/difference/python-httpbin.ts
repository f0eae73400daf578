/** Debian's `python3-httpbin` as a child process on a loopback port. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface PythonHttpbin {
  readonly url: string;
  stop(): Promise<void>;
}

/** The package is for Debian's own interpreter, which need not be the first on the path. */
const INTERPRETERS = ["/usr/bin/python3", "python3"];
const PROGRAM = `
from werkzeug.serving import make_server
from httpbin import app
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
`;

/** The interpreter that has it, or undefined. */
export function findInterpreter(): string | undefined {
  return INTERPRETERS.find((each) => spawnSync(each, ["-c", "import httpbin"], { stdio: "ignore" }).status === 0);
}

export async function startPythonHttpbin(interpreter: string): Promise<PythonHttpbin> {
  const child = spawn(interpreter, ["-c", PROGRAM], { stdio: ["ignore", "pipe", "ignore"] });
  const port = await firstLine(child);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("Cannot start python3-httpbin: it has no standard output");
  for await (const line of createInterface({ input: stdout })) return line;
  throw new Error("Cannot start python3-httpbin: it ended without naming its port");
}
