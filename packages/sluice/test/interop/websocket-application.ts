/** What WebSocket clients of other makers are given to talk to, and what a client with the browsers' interface says to it. */
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";

export const MOST_BYTES = 4 * 1024 * 1024;

/** How sockets of `/echo` ended, as the server saw it. */
export interface SeenEnd {
  readonly code: number;
  readonly reason: string;
}

/** An application with a page at `/`, and sockets; `ends` and `errors` are what it sees. */
export function websocketApplication() {
  const ends: SeenEnd[] = [];
  const errors: unknown[] = [];
  const app = new Application({ onError: (error) => errors.push(error) });
  app.get("/", () => reply.html("<!doctype html><title>sockets</title>"));
  const echo = { protocols: ["echo.v1", "echo.v2"], maxMessageSize: MOST_BYTES };
  app.websocket("/echo", { ...echo, compress: { threshold: 0 } }, async (socket) => {
    void socket.closed.then(({ code, reason }) => ends.push({ code, reason }));
    for await (const message of socket) await socket.send(message);
  });
  app.websocket("/plain", echo, async (socket) => {
    for await (const message of socket) await socket.send(message);
  });
  app.websocket("/close/:code", { closeTimeout: 500 }, (socket, { params }) =>
    socket.close(Number(params.code), "because"),
  );
  app.websocket("/throws", async (socket) => {
    await socket.receive();
    throw new Error("the handler broke");
  });
  app.websocket("/returns", async (socket) => {
    await socket.receive();
    await socket.send("bye");
  });
  return { app, ends, errors };
}

/** What {@link speak} has found. */
export interface Spoken {
  readonly protocol: string;
  readonly extensions: string;
  readonly texts: readonly string[];
  readonly binary: boolean;
  readonly large: boolean;
  readonly inOrder: boolean;
  readonly closes: readonly (readonly [code: number, reason: string, clean: boolean])[];
  readonly tooBig: number;
  readonly own: readonly [code: number, reason: string];
}

/** The part of the browsers' interface that is used. */
export type SocketMaker = new (url: string, protocols?: string[]) => WhatwgSocket;
interface WhatwgSocket {
  binaryType: string;
  readonly protocol: string;
  readonly extensions: string;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  // biome-ignore lint/suspicious/noExplicitAny: three makers have three event types.
  addEventListener(type: string, listener: (event: any) => void): void;
}

/** Runs in browsers as well: uses nothing that is not its own. `path` is `/echo` or `/plain`. */
export async function speak(Maker: SocketMaker, base: string, path: string): Promise<Spoken> {
  const open = (where: string, protocols?: string[]) =>
    new Promise<WhatwgSocket>((resolve, reject) => {
      const socket = new Maker(base + where, protocols);
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", () => resolve(socket));
      socket.addEventListener("error", () => reject(new Error(`cannot open ${where}`)));
    });
  const next = (socket: WhatwgSocket, count: number) =>
    new Promise<(string | ArrayBuffer)[]>((resolve) => {
      const got: (string | ArrayBuffer)[] = [];
      socket.addEventListener("message", ({ data }) => {
        if (got.length < count) got.push(data);
        if (got.length === count) resolve(got);
      });
    });
  const end = (socket: WhatwgSocket) =>
    new Promise<[number, string, boolean]>((resolve) => {
      socket.addEventListener("close", ({ code, reason, wasClean }) => resolve([code, reason, wasClean]));
    });

  const socket = await open(path, ["unknown", "echo.v2", "echo.v1"]);
  const { protocol, extensions } = socket;
  const exchange = async (...messages: (string | Uint8Array)[]) => {
    const answers = next(socket, messages.length);
    for (const message of messages) socket.send(message);
    return answers;
  };
  const texts = (await exchange("hello", "", "ünï 🎉", "x".repeat(126))) as string[];
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) & 0xff);
  const [back] = (await exchange(bytes)) as [ArrayBuffer];
  const view = new Uint8Array(back);
  const binary = view.length === bytes.length && view.every((byte, index) => byte === bytes[index]);
  const long = "all work and no play makes jack a dull boy. ".repeat(50_000);
  const large = (await exchange(long))[0] === long;
  const many = Array.from({ length: 300 }, (_, index) => `${index} ${"y".repeat(index * 7)}`);
  const inOrder = (await exchange(...many)).join("|") === many.join("|");
  const over = end(socket);
  socket.close(3456, "own");
  const [ownCode, ownReason] = await over;

  const closes: [number, string, boolean][] = [];
  for (const code of [1000, 1001, 1008, 1011, 3000, 4999]) closes.push(await end(new Maker(`${base}/close/${code}`)));
  for (const where of ["/throws", "/returns"]) {
    const made = await open(where);
    const ended = end(made);
    made.send("go");
    closes.push(await ended);
  }
  const greedy = await open(path);
  const refused = end(greedy);
  greedy.send(new Uint8Array(4 * 1024 * 1024 + 1));
  const [tooBig] = await refused;
  return { protocol, extensions, texts, binary, large, inOrder, closes, tooBig, own: [ownCode, ownReason] };
}

/** What {@link speak} finds when all is well; `compressed` where both sides want that. */
export function wellSpoken(compressed: boolean): Omit<Spoken, "extensions"> & { readonly extensions: unknown } {
  return {
    protocol: "echo.v2",
    extensions: compressed ? "permessage-deflate" : "",
    texts: ["hello", "", "ünï 🎉", "x".repeat(126)],
    binary: true,
    large: true,
    inOrder: true,
    closes: [
      ...[1000, 1001, 1008, 1011, 3000, 4999].map((code) => [code, "because", true] as const),
      [1011, "", true],
      [1000, "", true],
    ],
    tooBig: 1009,
    own: [3456, ""],
  };
}
