/** The chat's server without a browser: who may in, and what a start finds of the one before. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientSession } from "sluice";
import { testClient } from "sluice/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chatApp } from "../src/chat/chat-app.js";
import { KeptBus } from "../src/chat/kept-bus.js";

const RETENTION = { count: 9, ageMs: 1e9, bytes: 1e6 };

let folder: string;
let logFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-chat-"));
  logFile = join(folder, "messages.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

function line(room: string, id: string): string {
  return `${JSON.stringify({ room, id, ts: 7, from: { id: "ada", info: { name: "Ada" } }, data: `{"text":"${id}"}` })}\n`;
}

async function restored(keep = 3): Promise<KeptBus> {
  const bus = new KeptBus(logFile, keep);
  await bus.restore();
  return bus;
}

async function idsIn(bus: KeptBus, room: string): Promise<string[]> {
  const { messages } = await bus.history(room, { before: Number.POSITIVE_INFINITY, limit: 100, maxBytes: 1e6 });
  return messages.map(({ id }) => id);
}

describe("the bus", () => {
  test("has nothing before the first message", async () => {
    expect(await idsIn(await restored(), "Lobby")).toEqual([]);
  });

  test("gives back what was said, by whom and when, under the same ids", async () => {
    const first = new KeptBus(logFile, 3);
    const from = { id: "ada", info: { name: "Ada" } };
    await first.publish("Lobby", { id: "a", ts: 5, from, data: '{"text":"hi"}' }, RETENTION);
    await first.publish("Lobby", { id: "a", ts: 6, from, data: '{"text":"sent again"}' }, RETENTION);
    const { id } = await first.publish("Kitchen", { ts: 6, data: "1" }, RETENTION);
    const bus = await restored();
    expect(await idsIn(bus, "Kitchen")).toEqual([id]);
    const { messages } = await bus.history("Lobby", { before: 9, limit: 9, maxBytes: 1e6 });
    expect(messages).toMatchObject([
      { id: "a", ts: 5, data: '{"text":"hi"}', from: { id: "ada", info: { name: "Ada" } } },
    ]);
    expect((await stat(logFile)).mode & 0o077).toBe(0);
  });

  test("keeps the newest of each room, and becomes no longer than that", async () => {
    const lines = ["1", "2", "3", "4", "5"].map((id) => line("Lobby", id)).join("") + line("Kitchen", "k");
    await writeFile(logFile, lines);
    const bus = await restored();
    expect([await idsIn(bus, "Lobby"), await idsIn(bus, "Kitchen")]).toEqual([["3", "4", "5"], ["k"]]);
    expect(await readFile(logFile, "utf8")).toBe(
      ["3", "4", "5"].map((id) => line("Lobby", id)).join("") + line("Kitchen", "k"),
    );
  });

  test("does not let the file grow while it runs: at twice its length it is made as short as at a start", async () => {
    const bus = await restored();
    const lines = async () => (await readFile(logFile, "utf8")).split("\n").length - 1;
    const publish = (id: string) => bus.publish("Lobby", { id, ts: 5, data: "1" }, RETENTION);
    for (const id of ["1", "2", "3", "4", "5", "6"]) await publish(id);
    expect(await lines()).toBe(6);
    await publish("7");
    expect(await lines()).toBe(3);
    for (let index = 8; index < 100; index += 1) await publish(`${index}`);
    expect(await lines()).toBeLessThanOrEqual(6);
    expect(await idsIn(await restored(), "Lobby")).toEqual(["97", "98", "99"]);
  });

  test("passes over a last line that was cut off, wherever that was", async () => {
    const whole = line("Lobby", "1");
    const cut = line("Lobby", "2");
    for (let length = 0; length < cut.length - 1; length += 1) {
      await writeFile(logFile, whole + cut.slice(0, length));
      expect(await idsIn(await restored(), "Lobby"), cut.slice(0, length)).toEqual(["1"]);
    }
  });
});

describe("the server", () => {
  let client: ClientSession;
  beforeEach(async () => {
    client = testClient(await chatApp({ rooms: ["Lobby"], logFile, secret: "s".repeat(32) }));
  });
  afterEach(() => client.close());

  test("does not know who has not said a name, and lets them into nothing", async () => {
    expect((await client.get("/me")).status).toBe(204);
    expect((await client.get("/push/events?room=Lobby")).status).toBe(401);
    expect((await client.post("/push/events", { json: { type: "publish", room: "Lobby", data: 1 } })).status).toBe(401);
  });

  test.each(["", "   ", "x".repeat(31), 7, "two\nlines", "\u200b", "\u202e"])("takes no name like %j", async (name) => {
    expect((await client.post("/me", { json: { name } })).status).toBe(422);
  });

  test.each(["x".repeat(30), "\u0645\u062d\u0645\u062f", "\u{1f469}\u200d\u{1f467}", "?"])(
    "takes a name like %j",
    async (name) => {
      expect((await client.post("/me", { json: { name } })).status).toBe(200);
    },
  );

  test("remembers a name by a cookie that scripts cannot read", async () => {
    const response = await client.post("/me", { json: { name: "  Ada " } });
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).toMatch(/SameSite=Strict/i);
    const user = await response.json<{ id: string; name: string }>();
    expect(user.name).toBe("Ada");
    const headers = { cookie: cookie.split(";")[0] ?? "" };
    expect(await client.get("/me", { headers }).json()).toEqual(user);
    const ok = await client.post("/push/events", {
      headers,
      json: { type: "publish", room: "Lobby", data: { text: "hi" } },
    });
    expect(ok.status).toBe(200);
    const elsewhere = await client.post("/push/events", {
      headers,
      json: { type: "publish", room: "Cellar", data: 1 },
    });
    expect(elsewhere.status).toBe(403);
  });

  test("believes no cookie that it has not signed", async () => {
    const forged = Buffer.from(JSON.stringify({ id: "ada", name: "Ada" })).toString("base64url");
    for (const cookie of [`chat-user=${forged}`, `chat-user=${forged}.abc`]) {
      const { status } = await client.get("/push/events?room=Lobby", { headers: { cookie } });
      expect(status).toBe(401);
    }
  });

  test("gives out its page, the script and the client; nothing beside them", async () => {
    for (const path of ["/", "/chat.css", "/base.css", "/icon.svg", "/scripts/chat/chat.js", "/push/client.js"]) {
      const response = await client.get(path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.text()).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    }
    for (const path of ["/scripts/../tsconfig.json", "/index.html", "/scripts/chat/chat.ts", "/chat/chat.ts"]) {
      expect((await client.get(path)).status, path).toBe(404);
    }
  });
});
