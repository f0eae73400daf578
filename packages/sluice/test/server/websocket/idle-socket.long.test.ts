/** What an idle socket keeps of the request that it began with: nothing of the HTTP connection may outlast the 101. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { Connection } from "../../../src/server/connection.js";
import type { Server } from "../../../src/server/server.js";
import { AnswerQueue } from "../../../src/wire/answer-queue.js";
import type { Http1Exchange } from "../../../src/wire/http1-exchange.js";
import { Http1ServerLink } from "../../../src/wire/http1-server-link.js";
import { RequestIntake } from "../../../src/wire/request-intake.js";
import { frame, RawSocket } from "./raw-socket.js";

const COLLECTIONS = 20;
const undo: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0)) await each();
});

/** Everything that was called by one of these names, weakly. Calls go on as they would. */
function catchOwners<T extends object, Name extends string>(
  type: { readonly prototype: Record<Name, (...args: never[]) => unknown> & T },
  name: Name,
  also: (...args: never[]) => readonly object[] = () => [],
): WeakRef<object>[] {
  const caught: WeakRef<object>[] = [];
  const original = type.prototype[name];
  const patched = type.prototype as Record<string, unknown>;
  patched[name] = function (this: object, ...args: never[]): unknown {
    for (const each of [this, ...also(...args)]) caught.push(new WeakRef(each));
    return Reflect.apply(original, this, args);
  };
  undo.push(() => {
    patched[name] = original;
  });
  return caught;
}

/** Names of those that are still there after everything that can be collected is. */
async function survivors(refs: readonly WeakRef<object>[]): Promise<string[]> {
  for (let time = 0; time < COLLECTIONS; time += 1) {
    await sleep(20);
    globalThis.gc?.();
    if (refs.every((ref) => ref.deref() === undefined)) break;
  }
  return refs.flatMap((ref) => ref.deref()?.constructor.name ?? []);
}

test("an idle socket keeps nothing of its HTTP connection, though its handler has the request", async () => {
  const app = new Application({ onError: () => undefined });
  app.websocket("/chat/:room", async (socket, request) => {
    for await (const message of socket) await socket.send(`${message} in ${request.params.room} of ${request.host}`);
  });
  const refs = [
    catchOwners(Connection, "onHandedOver"),
    catchOwners(RequestIntake, "takeRest"),
    catchOwners(AnswerQueue, "push"),
    catchOwners(Http1ServerLink, "onTakeOver", (exchange: Http1Exchange) => [exchange, exchange.answer ?? exchange]),
  ];
  const server: Server = await app.listen({ host: "127.0.0.1", port: 0 });
  undo.push(() => server.close({ grace: 0 }));
  const sockets: RawSocket[] = [];
  for (let count = 0; count < 10; count += 1) {
    const socket = await RawSocket.open(server, `/chat/room-number-${count}`, { "user-agent": "x".repeat(200) });
    sockets.push(socket);
    socket.send(frame(1, "hello"));
    await socket.untilFrames(1);
  }
  expect(refs.map((caught) => caught.length)).toEqual([10, 10, 10, 30]);
  expect(server.connections.upgraded).toBe(10);
  expect(await survivors(refs.flat())).toEqual([]);
  for (const [count, socket] of sockets.entries()) {
    socket.send(frame(1, "again"));
    const [, second] = await socket.untilFrames(2);
    expect(second?.payload.toString()).toBe(`again in room-number-${count} of example.com`);
  }
});
