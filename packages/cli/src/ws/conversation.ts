/** Both directions at once: lines to messages, messages to lines, and when there is enough of it. */
import { SluiceError, UsageError } from "sluice";
import type { ReconnectingWebSocket } from "sluice/websocket";
import { explain } from "../terminal/explain.js";
import type { Io } from "../terminal/io.js";
import { showDuration } from "../terminal/quantities.js";
import { UsageProblem } from "../usage-problem.js";
import { isInteractive, type LineInput } from "./line-input.js";
import { messageJson, messageLine, messageText, parseHex, type WsMessage } from "./message-text.js";
import type { WsSettings } from "./settings.js";

const HELP =
  "Commands: /ping, /binary HEX, /close [CODE [REASON]], /help; //text is a message that begins with a slash\n";

/** See the head of this file. */
export class Conversation {
  readonly #live: ReconnectingWebSocket;
  #messages: AsyncGenerator<WsMessage, void>;
  readonly #input: LineInput;
  readonly #settings: WsSettings;
  readonly #io: Io;
  readonly #interactive: boolean;
  /** When something came last. */
  #lastAt = performance.now();
  /** A line that cannot be sent, where nobody is there to write a better one. */
  #failure: UsageProblem | undefined;

  constructor(live: ReconnectingWebSocket, input: LineInput, settings: WsSettings, io: Io) {
    this.#live = live;
    this.#messages = live[Symbol.asyncIterator]();
    this.#input = input;
    this.#settings = settings;
    this.#io = io;
    this.#interactive = settings.reads && isInteractive(io);
  }

  /** Resolves when the connection is over, by either side. How it ended is the socket's to say; rejects where output fails. */
  async run(): Promise<void> {
    const sending = this.#send();
    const receiving = this.#receive();
    try {
      await receiving;
    } finally {
      this.#input.close();
      await this.#live.close();
      await sending;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #receive(): Promise<void> {
    const { count } = this.#settings;
    let shown = 0;
    for (;;) {
      const message = await this.#next();
      if (message === undefined) return;
      this.#lastAt = performance.now();
      await this.#input.write(this.#textOf(message));
      shown += 1;
      if (shown >= count) return;
    }
  }

  /** Undefined when it is over; why is the ending's to say. */
  async #next(): Promise<WsMessage | undefined> {
    try {
      return (await this.#messages.next()).value ?? undefined;
    } catch (error) {
      if (error instanceof SluiceError && error.code === "websocket/reader-behind") {
        this.#complain(error);
        this.#messages = this.#live[Symbol.asyncIterator]();
        return await this.#next();
      }
      await this.#live.closed;
      if (error instanceof Error) return undefined;
      throw error;
    }
  }

  #textOf(message: WsMessage): string {
    const { stdout } = this.#io;
    const { output } = this.#settings;
    if (output === "jsonl") return messageJson(message);
    return output === undefined && stdout.isTerminal ? messageText(message, stdout.colours) : messageLine(message);
  }

  /** All lines, then the end: at once where a person says so, after a silence in a pipe. Never rejects. */
  async #send(): Promise<void> {
    if (!this.#settings.reads) return;
    try {
      for await (const line of this.#input) {
        if (line !== "" || !this.#interactive) await this.#line(line);
      }
      if (!this.#interactive) await this.#silence();
    } catch (error) {
      if (error instanceof UsageProblem) this.#failure = error;
      // A send that failed on a connection that is over: how that ended is told by itself.
      else if (this.#live.state === "open") this.#complain(error);
    }
    await this.#live.close();
  }

  async #line(line: string): Promise<void> {
    try {
      if (this.#interactive && line.startsWith("/") && !line.startsWith("//")) await this.#command(line);
      else if (this.#settings.binary) await this.#sendOne(parseHex(line));
      else await this.#sendOne(this.#interactive && line.startsWith("//") ? line.slice(1) : line);
    } catch (error) {
      const mistaken = error instanceof UsageProblem || error instanceof UsageError;
      if (!(mistaken && this.#interactive)) throw error;
      this.#complain(error);
    }
  }

  /** What waits for a connection does not hold up a person, who may want to end it instead. */
  async #sendOne(message: WsMessage): Promise<void> {
    const sending = this.#live.send(message);
    if (this.#interactive && this.#live.socket === undefined) sending.catch((error: unknown) => this.#complain(error));
    else await sending;
  }

  async #command(line: string): Promise<void> {
    const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/.exec(line) ?? [];
    if (name === "ping") void this.#ping();
    else if (name === "binary") await this.#sendOne(parseHex(rest));
    else if (name === "close") await this.#close(rest);
    else await this.#input.write(this.#io.stdout.colours("faint", HELP));
  }

  /** Holds up nobody, for there may be no answer. Never rejects. */
  async #ping(): Promise<void> {
    try {
      const latency = await this.#live.socket?.ping();
      const said = latency === undefined ? "There is no connection now" : `Answered in ${showDuration(latency)}`;
      await this.#input.write(this.#io.stdout.colours("faint", `${said}\n`));
    } catch (error) {
      this.#complain(error);
    }
  }

  async #close(rest: string): Promise<void> {
    const [, digits, reason = ""] = /^(\d+)?\s*(.*)$/.exec(rest) ?? [];
    await this.#live.close(digits === undefined ? undefined : Number(digits), reason);
  }

  #complain(error: unknown): void {
    this.#input.say(`sluice: ${explain(error).message}\n`);
  }

  /** Until nothing has come for `wait`, or it is over. */
  async #silence(): Promise<void> {
    this.#lastAt = performance.now();
    const { wait } = this.#settings;
    for (let left = wait; left > 0; left = this.#lastAt + wait - performance.now()) {
      const over = await Promise.race([this.#live.closed.then(() => true), later(left)]);
      if (over) return;
    }
  }
}

/** False, after `ms` milliseconds. */
function later(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.min(ms, 2 ** 31 - 1), false).unref();
  });
}
