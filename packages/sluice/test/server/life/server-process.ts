/** A server of the compiled package in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { PACKAGE } from "../../client/child.js";
import { Written } from "../../written.js";

export interface ServerProcess {
  readonly host: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Exit code, and everything that was written. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }>;
}

/**
 * Runs `program` (an ES module's text) until it ends by itself, or the test does. It begins with `Application`, `reply` and `listen(app,
 * options)`, which says where it listens.
 */
export async function startServerProcess(program: string): Promise<ServerProcess> {
  const prelude = `
    import { Application, reply } from "./dist/server.js";
    const listen = async (app, options) => {
      const server = await app.listen({ port: 0, host: "127.0.0.1", ...options });
      console.log("port " + server.address.port);
      return server;
    };
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", prelude + program], {
    cwd: PACKAGE,
    env: { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const written = new Written(child);
  const ended = once(child, "close").then(([code]) => ({
    code: code as number | null,
    output: written.output,
    errors: written.errors,
  }));
  while (!/port \d+\n/.test(written.output)) {
    const [text] = (await Promise.race([once(child.stdout, "data"), ended.then(() => [undefined])])) as [unknown];
    if (text === undefined) throw new Error(`The server ended before it listened: ${written.errors}`);
  }
  return { host: "127.0.0.1", port: Number(/port (\d+)/.exec(written.output)?.[1]), child, ended };
}
