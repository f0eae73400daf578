/** The server that examples talk to: an httpbin in a child process. */
import { fork } from "node:child_process";
import { once } from "node:events";

/** A running httpbin. */
export interface PracticeServer extends AsyncDisposable {
  /** Where it is, without a path: `http://127.0.0.1:49152`. */
  readonly url: string;
}

/** Starts an httpbin on a free loopback port. Rejects if its process ends before it listens. */
export async function startPracticeServer(): Promise<PracticeServer> {
  const child = fork(new URL("./serve-httpbin.js", import.meta.url));
  const ended = once(child, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    child.once("message", (message) => resolve(String(message)));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The httpbin ended before it listened (exit code ${code})`)));
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
