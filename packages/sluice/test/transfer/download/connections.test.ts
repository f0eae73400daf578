/**
 * How many connections a download takes, over real ones: a server that gives each so many bytes a moment, and a clock that is moved on
 * when they have come. What is counted are requests and their ranges.
 */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { ClientSession } from "../../../src/index.js";
import type { DownloadOptions } from "../../../src/transfer/download/download-options.js";
import { DownloadTask } from "../../../src/transfer/download/download-task.js";
import { noise } from "../hostile-server.js";
import { downloadTests, inFolder, QUICK, sameBytes } from "./support.js";

downloadTests();

const CONTENT = noise(4_000_000);
/** So often a second bytes come, and the clock is moved on. */
const TICKS = 5;
const TICK_MS = 1_000 / TICKS;
const WAIT_MS = 15_000;

/** A request whose answer is under way. */
interface Answer {
  /** Which request it was, from 0. */
  readonly number: number;
  readonly first: number;
  readonly end: number;
  readonly response: ServerResponse;
  sent: number;
}

/** Gives each answer under way as many bytes as `share` says, and only when it is told to. */
class PacedServer {
  readonly answers: Answer[] = [];
  readonly #open = new Set<Answer>();
  readonly #server: Server;
  #released = false;

  constructor() {
    this.#server = createServer((request, response) => {
      const [, first = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
      const end = last === "" ? CONTENT.byteLength : Number(last) + 1;
      const answer = { number: this.answers.length, first: Number(first), end, response, sent: 0 };
      this.answers.push(answer);
      this.#open.add(answer);
      response.once("close", () => this.#open.delete(answer));
      response.writeHead(206, {
        etag: '"one"',
        "content-length": end - answer.first,
        "content-range": `bytes ${first}-${end - 1}/${CONTENT.byteLength}`,
      });
      response.flushHeaders();
      if (this.#released) this.#send(answer, CONTENT.byteLength);
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/file`;
  }

  get open(): readonly Answer[] {
    return [...this.#open];
  }

  give(share: (answer: Answer) => number): void {
    for (const answer of this.#open) this.#send(answer, share(answer));
  }

  /** All that is left, of whatever is asked for. */
  release(): void {
    this.#released = true;
    this.give(() => CONTENT.byteLength);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #send(answer: Answer, byteLength: number): void {
    const from = answer.first + answer.sent;
    const bytes = CONTENT.subarray(from, Math.min(from + byteLength, answer.end));
    answer.sent += bytes.byteLength;
    answer.response.write(bytes);
    if (from + bytes.byteLength === answer.end) answer.response.end();
  }
}

/** A server and a download from it. */
class Scene implements AsyncDisposable {
  readonly server = new PacedServer();
  readonly clock = new ManualClock();
  readonly session = new ClientSession({ connector: { clock: this.clock } });
  task: DownloadTask | undefined;

  async begin(options: DownloadOptions): Promise<void> {
    const url = await this.server.start();
    const ground = { ...QUICK, saveInterval: 2_000 };
    const settings = { minSegmentSize: 64 * 1024, ...options };
    this.task = new DownloadTask(this.session, url, inFolder("file"), settings, ground);
    this.task.result.catch(() => undefined);
    await this.#settled();
  }

  get connections(): number {
    return this.task?.progress.segments.length ?? 0;
  }

  /** Seconds go by, in each of which every answer is given its share. */
  async seconds(count: number, share: (answer: Answer) => number): Promise<void> {
    await this.ticks(count * TICKS, share);
  }

  async ticks(count: number, share: (answer: Answer) => number): Promise<void> {
    for (let tick = 0; tick < count; tick += 1) {
      this.server.give((answer) => Math.floor(share(answer) / TICKS));
      await this.#settled();
      this.clock.advance(TICK_MS);
      await this.#settled();
    }
  }

  /** The rest comes at once, and the file is right. */
  async end(): Promise<number> {
    this.server.release();
    const result = await this.task?.result;
    expect(sameBytes(inFolder("file"), CONTENT)).toBe(true);
    return result?.segments ?? 0;
  }

  /** What was sent has come, and what segments have asked for is known to the server. */
  async #settled(): Promise<void> {
    const wanted = (): boolean => {
      const awaited = this.task?.progress.segments.map(({ position }) => position) ?? [];
      const given = this.server.open.map(({ first, sent }) => first + sent).sort((a, b) => a - b);
      return awaited.length > 0 && awaited.join() === given.join();
    };
    for (const end = Date.now() + WAIT_MS; !wanted(); await turn()) {
      if (Date.now() > end) throw new Error("What was sent has not come");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.task?.close();
    await this.session.close();
    await this.server.close();
  }
}

let scene: Scene | undefined;
afterEach(async () => {
  await scene?.[Symbol.asyncDispose]();
  scene = undefined;
});

const PER_CONNECTION = 40_000;

test("where each connection is limited, there are more every second as long as that helps, and eight at most", async () => {
  scene = new Scene();
  await scene.begin({ segments: "auto" });
  const counts: number[] = [];
  for (let second = 0; second < 6; second += 1) {
    await scene.seconds(1, () => PER_CONNECTION);
    counts.push(scene.connections);
  }
  expect(counts).toEqual([2, 4, 6, 8, 8, 8]);
  expect(await scene.end()).toBe(8);
});

test("where all together are limited, a second one is tried, and no more", async () => {
  scene = new Scene();
  const { server } = scene;
  await scene.begin({ segments: "auto" });
  const counts: number[] = [];
  for (let second = 0; second < 6; second += 1) {
    await scene.seconds(1, () => PER_CONNECTION / server.open.length);
    counts.push(scene.connections);
  }
  expect(counts).toEqual([2, 2, 2, 2, 2, 2]);
  expect(server.answers).toHaveLength(2);
  expect(await scene.end()).toBe(2);
});

test("where the server takes two at a time alone, it is found out, and more are not tried", async () => {
  scene = new Scene();
  const { server } = scene;
  await scene.begin({ segments: "auto" });
  const counts: number[] = [];
  for (let second = 0; second < 6; second += 1) {
    await scene.seconds(1, () => (PER_CONNECTION * Math.min(2, server.open.length)) / server.open.length);
    counts.push(scene.connections);
  }
  expect(counts).toEqual([2, 4, 4, 4, 4, 4]);
  expect(await scene.end()).toBe(4);
});

test("one that lags far behind the others for ten seconds gets a new connection, which asks for just what is missing", async () => {
  scene = new Scene();
  const { server } = scene;
  await scene.begin({ segments: 4 });
  expect(server.answers).toHaveLength(4);
  const [, , slow, next] = [...server.answers].sort((a, b) => a.first - b.first);
  const share = (answer: Answer): number => (answer === slow ? PER_CONNECTION / 40 : PER_CONNECTION);
  await scene.seconds(9, share);
  expect(server.answers, "not before").toHaveLength(4);
  for (let tick = 0; tick < 3 * TICKS && server.answers.length === 4; tick += 1) await scene.ticks(1, share);
  expect(server.answers, "one, once").toHaveLength(5);
  expect(server.open).not.toContain(slow);
  // Nothing that had come over the slow one is asked for again, and nothing is left out.
  const reached = (slow?.first ?? 0) + (slow?.sent ?? 0);
  expect(server.answers[4]?.end).toBe(next?.first);
  // But for what was on its way when the connection was given up.
  expect(reached - (server.answers[4]?.first ?? 0)).toBeOneOf([0, PER_CONNECTION / 40 / TICKS]);
  await scene.end();
});

test("one that is only somewhat slower keeps its connection", async () => {
  scene = new Scene();
  const { server } = scene;
  await scene.begin({ segments: 4 });
  await scene.seconds(13, ({ number }) => (number === 2 ? PER_CONNECTION / 3 : PER_CONNECTION));
  expect(server.answers).toHaveLength(4);
  await scene.end();
});

test("one that has done its own takes half of what the slowest has left", async () => {
  scene = new Scene();
  const { server } = scene;
  await scene.begin({ segments: 2 });
  const [fast, slow] = server.answers;
  if (fast === undefined || slow === undefined) throw new Error("There are not two segments");
  await scene.seconds(3, () => PER_CONNECTION);
  server.give((answer) => (answer === fast ? CONTENT.byteLength : 0));
  await expect.poll(() => server.answers.length, { timeout: WAIT_MS }).toBe(3);
  const stolen = server.answers[2];
  const middle = slow.first + slow.sent + (CONTENT.byteLength - slow.first - slow.sent) / 2;
  expect(Math.abs((stolen?.first ?? 0) - middle)).toBeLessThanOrEqual(64 * 1024);
  expect(stolen?.end).toBe(CONTENT.byteLength);
  await scene.end();
});
