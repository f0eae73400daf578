/**
 * A chat: rooms that everybody may enter, people known by a signed cookie, and a page. The hub does rooms, history, presence and recovery; what is
 * left for us is to say who somebody is, and a bus that keeps the history (kept-bus.ts).
 */
import { randomUUID } from "node:crypto";
import { Hub, type HubUser, PUSH_PROTOCOL } from "sluice/push";
import { Application, HttpError, reply, type ServerRequest, SignedCookies } from "sluice/server";
import { z } from "zod";
import { servePage } from "../support/serve-page.js";
import type { ChatUser } from "./chat-user.js";
import { KeptBus } from "./kept-bus.js";

export interface ChatOptions {
  readonly rooms: readonly string[];
  /** Where the history is kept over restarts. */
  readonly logFile: string;
  /** 32 bytes or more: what the cookies are signed with. */
  readonly secret: string;
}

const COOKIE = "chat-user";
const YEAR_SECONDS = 31_536_000;
const KEPT_MESSAGES = 200;
const LIMITS = { maxMessageSize: 10_000, framesPerSecond: 20 };

/** On one line, and with something that can be seen. */
const VISIBLE = /^\P{Cc}*[\p{L}\p{N}\p{P}\p{S}]\P{Cc}*$/u;
const Name = z.object({ name: z.string().trim().min(1).max(30).regex(VISIBLE) });

export async function chatApp({ rooms, logFile, secret }: ChatOptions): Promise<Application> {
  const cookies = new SignedCookies(secret);
  const bus = new KeptBus(logFile, KEPT_MESSAGES);
  await bus.restore();
  const history = { count: KEPT_MESSAGES, maxAge: Number.POSITIVE_INFINITY };
  const hub = new Hub({
    bus,
    history,
    limits: LIMITS,
    authorize: (user, room) => user !== undefined && rooms.includes(room),
  });

  const app = new Application();
  app.onStop(async () => {
    await hub.close();
    await bus.close();
  });
  servePage(app, "chat", hub);

  app.get("/me", (request) => userOf(request) ?? reply.empty());
  app.post("/me", async (request) => {
    const { name } = await request.json(Name);
    const user: ChatUser = { id: randomUUID(), name };
    const value = Buffer.from(JSON.stringify(user)).toString("base64url");
    return reply.json(user).setCookie(COOKIE, cookies.sign(COOKIE, value), {
      httpOnly: true,
      sameSite: "strict",
      maxAgeSeconds: YEAR_SECONDS,
    });
  });

  const options = (request: ServerRequest) => ({ user: hubUser(requireUser(request)), rooms });
  // Who is nobody is refused before there is a socket.
  const upgrade = (request: ServerRequest) => ({ data: options(request) });
  app.websocket("/push", { protocols: [PUSH_PROTOCOL], upgrade }, (socket, _request, data) => hub.serve(socket, data));
  app.get("/push/events", (request) => hub.sse(request, options(request)));
  app.post("/push/events", (request) => hub.post(request, options(request)));
  return app;

  function userOf(request: ServerRequest): ChatUser | undefined {
    const value = cookies.verify(COOKIE, request.cookies.get(COOKIE));
    return value === undefined ? undefined : JSON.parse(Buffer.from(value, "base64url").toString());
  }

  function requireUser(request: ServerRequest): ChatUser {
    const user = userOf(request);
    if (user === undefined) throw new HttpError(401, "Say who you are first");
    return user;
  }
}

function hubUser({ id, name }: ChatUser): HubUser {
  return { id, info: { name } };
}
