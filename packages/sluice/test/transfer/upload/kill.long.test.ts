/**
 * `kill -9` of the server and of the client, twenty times each, while bytes are moving: what arrives is what was sent. Both are processes of
 * their own, from the compiled package. Seed and offsets are printed, so that a failure can be looked at again.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../src/platform/random.js";

const DIST = new URL("../../../dist/", import.meta.url).href;
const MIB = 1024 * 1024;
const SIZE = 96 * MIB;
/** So slow that twenty kills fall into the time that all of it takes. */
const RATE = 12 * MIB;
const KILLS = 20;
const LEAST_MOVING = 15;
const SEED = 20_261_123;

const SERVER = `
const { Application, uploads } = await import("${DIST}server.js");
const [directory, port] = process.argv.slice(1);
const app = new Application({ receiveTimeout: Infinity });
const onProgress = ({ offset }) => console.log("offset " + offset);
app.mount("/files", uploads({ directory, onProgress, limits: { minFreeBytes: 0 } }));
const server = await app.listen({ port: Number(port), host: "127.0.0.1" });
console.log("port " + server.address.port);
`;

const CLIENT = `
const { ClientSession } = await import("${DIST}index.js");
const { upload } = await import("${DIST}transfer.js");
const [url, path, stateFolder] = process.argv.slice(1);
const session = new ClientSession({ cookies: false });
const result = await upload(session, url, path, {
  stateFolder,
  rateLimit: ${RATE},
  chunkSize: ${2 * MIB},
  attempts: 1_000,
  backOff: { base: 20, cap: 50 },
  onProgress: ({ transferred, state }) => console.log(state + " " + transferred),
  onEvent: (event) => console.log(JSON.stringify({ ...event, error: undefined })),
});
console.log("result " + JSON.stringify(result));
await session.close();
`;

interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  said: string;
  /** Resolves with the first match behind `from`. */
  until(pattern: RegExp, from?: number): Promise<RegExpExecArray>;
}

const running = new Set<ChildProcess>();
let folder = "";

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
  rmSync(folder, { recursive: true, force: true });
});

function started(program: string, ...args: readonly string[]): Child {
  const process = spawn(globalThis.process.execPath, ["--input-type=module", "--eval", program, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...globalThis.process.env, NODE_ENV: "production" },
  });
  running.add(process);
  const listeners = new Set<() => void>();
  const child: Child = {
    process,
    said: "",
    ended: new Promise((resolve) => {
      process.on("exit", (code) => {
        running.delete(process);
        for (const listener of listeners) listener();
        resolve(code);
      });
    }),
    until: (pattern, from = 0) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(child.said.slice(from));
          if (found === null && process.exitCode === null && process.signalCode === null) return;
          listeners.delete(look);
          if (found === null) reject(new Error(`It ended without saying ${pattern}: ${child.said.slice(-300)}`));
          else resolve(found);
        };
        listeners.add(look);
        look();
      }),
  };
  process.stdout?.on("data", (bytes: Buffer) => {
    child.said += bytes.toString();
    for (const listener of [...listeners]) listener();
  });
  return child;
}

async function randomFile(path: string): Promise<string> {
  const random = seededRandom(SEED);
  const file = await open(path, "w");
  const block = Buffer.alloc(MIB);
  const hash = createHash("sha256");
  for (let written = 0; written < SIZE; written += MIB) {
    for (let at = 0; at < MIB; at += 4) block.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
    hash.update(block);
    await file.write(block);
  }
  await file.close();
  return hash.digest("hex");
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}

function prepared(): { readonly source: string; readonly incoming: string; readonly state: string } {
  folder = mkdtempSync(join(tmpdir(), "sluice-kill-"));
  return { source: join(folder, "big.bin"), incoming: join(folder, "incoming"), state: join(folder, "state") };
}

async function killed(child: Child): Promise<void> {
  child.process.kill("SIGKILL");
  await child.ended;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("killed without warning", () => {
  test("the server, twenty times: the client goes on each time, and the bytes are right", async () => {
    const { source, incoming, state } = prepared();
    const expected = await randomFile(source);
    let server = started(SERVER, incoming, "0");
    const port = (await server.until(/^port (\d+)$/m))[1] ?? "";
    const client = started(CLIENT, `http://127.0.0.1:${port}/files`, source, state);
    const random = seededRandom(SEED);
    const offsets: number[] = [];
    let kills = 0;
    for (; kills < KILLS && !client.said.includes("result "); kills += 1) {
      const from = client.said.length;
      // Bytes are moving when the server has counted some since it came up, and the client hands over more.
      const moving = await Promise.race([
        server.until(/^offset (\d+)$/m).then((found) => Number(found[1])),
        client.until(/^result /m).then(() => undefined),
      ]);
      if (moving === undefined) break;
      await Promise.race([client.until(/^uploading (\d+)$/m, from), client.until(/^result /m)]);
      await pause(random() * 40);
      offsets.push(Number(/offset (\d+)\n$/.exec(server.said)?.[1] ?? moving));
      await killed(server);
      server = started(SERVER, incoming, port);
      await server.until(/^port/m);
    }
    expect(await client.ended).toBe(0);
    console.log(`server killed ${kills} times, seed ${SEED}, at offsets ${offsets.join(" ")}`);
    expect(offsets.filter((offset) => offset > 0 && offset < SIZE).length).toBeGreaterThanOrEqual(LEAST_MOVING);
    expect(await digestOf(join(incoming, "big.bin"))).toBe(expected);
    expect(readdirSync(incoming).sort()).toEqual([".uploads", "big.bin"]);
    await killed(server);
  }, 300_000);

  test("the client, twenty times: the next one goes on where the server is, and the bytes are right", async () => {
    const { source, incoming, state } = prepared();
    const expected = await randomFile(source);
    const server = started(SERVER, incoming, "0");
    const url = `http://127.0.0.1:${(await server.until(/^port (\d+)$/m))[1]}/files`;
    const random = seededRandom(SEED + 1);
    const offsets: number[] = [];
    for (let kills = 0; kills < KILLS; kills += 1) {
      const client = started(CLIENT, url, source, state);
      const from = server.said.length;
      const over = await Promise.race([
        server.until(/^offset (\d+)$/m, from).then(() => false),
        client.until(/^result /m).then(() => true),
      ]);
      if (over) break;
      await pause(random() * 40);
      offsets.push(Number(/offset (\d+)\n$/.exec(server.said)?.[1] ?? 0));
      await killed(client);
    }
    const last = started(CLIENT, url, source, state);
    expect(await last.ended).toBe(0);
    console.log(`client killed ${offsets.length} times, seed ${SEED + 1}, at offsets ${offsets.join(" ")}`);
    expect(offsets.filter((offset) => offset > 0 && offset < SIZE).length).toBeGreaterThanOrEqual(LEAST_MOVING);
    expect(last.said).toContain('"type":"resumed"');
    expect(last.said).not.toContain('"type":"restarted"');
    expect(await digestOf(join(incoming, "big.bin"))).toBe(expected);
    await killed(server);
  }, 300_000);
});
