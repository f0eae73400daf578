/** An httpbin of its own for a test file. */
import type { Server } from "sluice/server";
import { afterAll, beforeAll } from "vitest";
import { type StartHttpbinOptions, startHttpbin } from "../src/index.js";
import { type Answered, type Asked, ask } from "./ask.js";

export interface HttpbinUnderTest {
  readonly server: Server;
  get(path: string, headers?: Asked["headers"]): Promise<Answered>;
  send(methodAndPath: string, asked?: Omit<Asked, "method" | "path">): Promise<Answered>;
}

/** Started before and closed after the tests of the file that calls this. Errors that nobody should be told of fail the test. */
export function useHttpbin(options: StartHttpbinOptions = {}): HttpbinUnderTest {
  let server: Server | undefined;
  const reported: unknown[] = [];
  const running = (): Server => {
    if (server === undefined) throw new Error("The httpbin runs only while tests do");
    return server;
  };
  beforeAll(async () => {
    server = await startHttpbin({ onError: (error) => reported.push(error), ...options });
  });
  afterAll(async () => {
    await server?.close();
    if (reported.length > 0) throw new AggregateError(reported, "The httpbin reported errors of its own");
  });
  const send: HttpbinUnderTest["send"] = (methodAndPath, asked = {}) => {
    const [method = "", path = ""] = methodAndPath.split(" ");
    return ask(running().url, { ...asked, method, path });
  };
  return {
    get server() {
      return running();
    },
    get: (path, headers = {}) => send(`GET ${path}`, { headers }),
    send,
  };
}
