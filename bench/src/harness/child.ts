/**
 * A process of the bench: pinned to its core, told what to do by messages, and ended with us. What it can be told is an interface
 * of asynchronous methods with one argument each; `serve-orders.ts` is the other end.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { pinned } from "./cores.js";

/** What one side can be told by the other. */
export type Orders<Names> = { readonly [Name in keyof Names]: (order: never) => Promise<unknown> };

type OrderOf<Method> = Method extends (order: infer Order) => Promise<unknown> ? Order : never;
type ResultOf<Method> = Method extends (order: never) => Promise<infer Result> ? Result : never;

/** An answer on its way back. */
export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** How a process is started. */
export interface ChildOptions {
  /** Module of the bench, relative to `dist`. */
  readonly module: string;
  readonly args?: readonly string[];
  /** Which of the cores; undefined leaves it to the system. */
  readonly core: number | undefined;
  readonly nodeFlags?: readonly string[];
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class Child<Names extends Orders<Names>> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #ending = false;

  constructor(options: ChildOptions) {
    const file = fileURLToPath(new URL(`../${options.module}`, import.meta.url));
    const [command, args] = pinned(options.core, process.execPath, [
      ...(options.nodeFlags ?? []),
      file,
      ...(options.args ?? []),
    ]);
    this.#process = spawn(command, args, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#process.on("message", (message) => this.#settle(message as Reply));
    this.#process.on("error", (error) => this.#failAll(error));
    this.#process.on("exit", (code, signal) => {
      if (!this.#ending || this.#waiting.size > 0) {
        this.#failAll(new Error(`${options.module} ${options.args?.join(" ") ?? ""} ended with ${code ?? signal}`));
      }
    });
  }

  /** Sends an order and waits for its result; rejects with what the process threw, or when it ends. */
  tell<Name extends keyof Names & string>(name: Name, order: OrderOf<Names[Name]>): Promise<ResultOf<Names[Name]>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const result = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, name, order }, (error) => {
        if (error !== null) this.#settle({ id, error: error.message });
      });
    });
    return result as Promise<ResultOf<Names[Name]>>;
  }

  /** Ends the process and waits until it is gone. */
  async end(): Promise<void> {
    this.#ending = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.error === undefined) waiting?.resolve(reply.result);
    else waiting?.reject(new Error(reply.error));
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
