/** Clients that go away in the middle: producers are told, and whatever they do then, the process lives on. */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { answerOf } from "./http-answer.js";

const PROGRAM = fileURLToPath(new URL("surviving.mjs", import.meta.url));

type Said = Readonly<Record<string, unknown>>;

/** Asks, reads `bytes` bytes of the answer, and hangs up the hard way. */
function hangUp(port: number, request: string, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    let received = 0;
    // The server may be first.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
    if (bytes === 0) socket.setTimeout(30, () => socket.resetAndDestroy());
    socket.on("data", (piece) => {
      received += piece.length;
      if (received > bytes) socket.resetAndDestroy();
    });
  });
}

describe.each(["native", "light"])("with %s globals", (globals) => {
  let child: ChildProcess;
  let port = 0;
  const said: Said[] = [];
  let errors = "";

  beforeAll(async () => {
    child = spawn(process.execPath, [PROGRAM, globals], { stdio: ["ignore", "pipe", "pipe"] });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("The process was started without pipes");
    stderr.on("data", (text: Buffer) => {
      errors += text.toString();
    });
    createInterface({ input: stdout }).on("line", (line) => said.push(JSON.parse(line) as Said));
    await vi.waitFor(() => expect(said.length, errors).toBeGreaterThan(0), { timeout: 15_000 });
    port = Number(said[0]?.["port"]);
  });
  afterAll(() => {
    child.kill("SIGKILL");
  });

  const PATHS = [
    ...["/ignores", "/listens", "/cancel-throws", "/cancel-rejects", "/bytes", "/pull", "/start", "/generator"],
    ...["/hono-stream", "/hono-sse"],
  ];
  const TELLS = ["/listens", "/cancel-throws", "/bytes", "/pull", "/start", "/generator", "/hono-stream", "/hono-sse"];

  test("a client that hangs up in the middle of an answer: the request's signal is aborted, the producer cancelled", async () => {
    await Promise.all(PATHS.map((path) => hangUp(port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, 400)));
    await vi.waitFor(
      () => {
        for (const path of PATHS) expect(said).toContainEqual({ aborted: path });
        for (const path of TELLS) expect(said).toContainEqual({ cancelled: path });
      },
      { timeout: 15_000 },
    );
  });

  test("and producers that go on, end, throw when they are told, or fail leave the process alone", async () => {
    await Promise.all([
      hangUp(port, "GET /errors HTTP/1.1\r\nHost: x\r\n\r\n", 50_000),
      hangUp(port, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npart", 0),
      hangUp(port, "POST /unawaited HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npart", 0),
      hangUp(port, "HEAD /listens HTTP/1.1\r\nHost: x\r\n\r\n", 10),
    ]);
    const ended = ["/ignores", "/listens", "/cancel-throws", "/cancel-rejects"];
    await vi.waitFor(
      () => {
        for (const path of ended) expect(said).toContainEqual({ ended: path });
      },
      { timeout: 15_000 },
    );
    expect((await answerOf(port, { path: "/alive" })).body).toBe("alive");
    expect([child.exitCode, child.signalCode, errors]).toEqual([null, null, ""]);
  });

  test("what fails by itself is reported; that clients go away is not", async () => {
    const reports = () => said.filter((each) => "reported" in each);
    await expect.poll(reports).not.toEqual([]);
    expect(reports()).toEqual([{ reported: "Error: gives up" }]);
  });
});
