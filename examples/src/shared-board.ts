/** A board that several people write on at once: one room of sockets, state of its own, and rules for who may and what may be said. */
import { ClientSession, ResponseError } from "sluice";
import { Application, HttpError } from "sluice/server";
import type { WebSocketConnection } from "sluice/websocket";
import { z } from "zod";
import { runExample } from "./support/run-example.js";

/** What a client may say: write into a field of the board, if nobody has since `version`. */
const Change = z.object({ field: z.string().max(40), text: z.string().max(200), version: z.number().int() });

interface Field {
  readonly text: string;
  readonly version: number;
  readonly by: string;
}

type News =
  | { readonly board: Readonly<Record<string, Field>>; readonly writers: number }
  | ({ readonly field: string } & Field)
  | { readonly accepted: boolean; readonly field: string; readonly now: Field };

const EMPTY: Field = { text: "", version: 0, by: "" };

/** The application: a board, and whoever looks at it. Everybody is told of every change, in the same order. */
function boardApplication(): Application {
  const board: Record<string, Field> = {};
  const writers = new Set<WebSocketConnection>();
  const tellAll = (news: News): void => {
    // Not awaited: one writer who reads slowly does not hold up the others. What he has not read is bounded all the same.
    for (const writer of writers) {
      if (writer.bufferedAmount > 256 * 1024) writer.terminate();
      else void writer.sendJson(news);
    }
  };

  const app = new Application();
  app.websocket(
    "/board",
    {
      maxMessageSize: 4 * 1024,
      maxConnections: 100,
      compress: true,
      upgrade: ({ query }) => {
        const name = query.get("name");
        if (name === null) throw new HttpError(401, "Say your name");
        return { data: name };
      },
    },
    async (socket, _request, name) => {
      writers.add(socket);
      try {
        await socket.sendJson({ board, writers: writers.size } satisfies News);
        for (;;) {
          const { field, text, version } = await socket.receiveJson(Change);
          const before = board[field] ?? EMPTY;
          const accepted = version === before.version;
          const now = accepted ? { text, version: version + 1, by: name } : before;
          board[field] = now;
          if (accepted) tellAll({ field, ...now });
          await socket.sendJson({ accepted, field, now } satisfies News);
        }
      } finally {
        writers.delete(socket);
      }
    },
  );
  return app;
}

/** One writer's view of the board, kept up to date by what it is told. */
class Writer {
  readonly socket: WebSocketConnection;
  readonly fields = new Map<string, Field>();
  /** Whether each change of its own stood. */
  readonly answers: boolean[] = [];

  constructor(socket: WebSocketConnection) {
    this.socket = socket;
  }

  static async join(session: ClientSession, name: string): Promise<Writer> {
    return new Writer(await session.websocket("board", { params: { name } }));
  }

  /** Takes in what it is told until `enough`. */
  async until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      const news = await this.socket.receiveJson<News>();
      if ("board" in news) for (const [name, field] of Object.entries(news.board)) this.fields.set(name, field);
      else if ("accepted" in news) {
        this.answers.push(news.accepted);
        this.fields.set(news.field, news.now);
      } else this.fields.set(news.field, news);
    }
  }

  /** Writes, and again on what somebody else wrote meanwhile, until it stands. */
  async append(name: string, text: string): Promise<void> {
    do {
      const before = this.fields.get(name) ?? EMPTY;
      await this.socket.sendJson({ field: name, text: before.text + text, version: before.version });
      const answered = this.answers.length;
      await this.until(() => this.answers.length > answered);
    } while (this.answers.at(-1) !== true);
  }
}

await runExample("A shared board", async ({ say, check }) => {
  const server = await boardApplication().listen({ port: 0, host: "127.0.0.1" });
  const session = new ClientSession({ baseUrl: `${server.url}/` });
  try {
    const [ada, bob, eve] = [
      await Writer.join(session, "ada"),
      await Writer.join(session, "bob"),
      await Writer.join(session, "eve"),
    ] as const;
    await Promise.all([ada, bob].map((writer, index) => tenTimes(writer, index === 0 ? "a" : "b")));
    await eve.until(() => eve.fields.get("line")?.version === 20);
    const line = eve.fields.get("line")?.text ?? "";
    say(`two wrote at once, a third saw: ${line}`);
    check([...line].sort().join("") === "a".repeat(10) + "b".repeat(10), "nothing that was written is lost");
    const late = [...ada.answers, ...bob.answers].filter((accepted) => !accepted).length;
    say(`${late} changes came too late, and were made again on what was there by then`);

    const foreign = await refusal(
      session.websocket("board", { params: { name: "x" }, headers: { origin: "https://evil.example" } }),
    );
    check(foreign === 403, "a page of another site may not");
    check((await refusal(session.websocket("board"))) === 401, "nobody without a name");

    await eve.socket.sendJson({ field: 7 });
    check((await eve.socket.closed).code === 1008, "what does not fit the schema ends that socket with 1008");
    await bob.socket.send("x".repeat(5_000));
    check((await bob.socket.closed).code === 1009, "a message too large does so with 1009");
    check(ada.socket.state === "open", "and the others go on");

    const closed = server.close({ grace: 5_000 });
    check((await ada.socket.closed).code === 1001, "a server that closes says 1001");
    await closed;
  } finally {
    await session.close();
    await server.close();
  }
});

async function tenTimes(writer: Writer, letter: string): Promise<void> {
  for (let count = 0; count < 10; count += 1) await writer.append("line", letter);
}

/** The status of an answer that is no socket. */
async function refusal(opening: Promise<unknown>): Promise<number> {
  try {
    await opening;
    return 101;
  } catch (error) {
    if (error instanceof ResponseError) return error.status;
    throw error;
  }
}
