/**
 * A JSON service with everything that one needs: what comes in is checked by schemas (422 with every failing path), lists come in pages with
 * `Link`, a note has an `ETag`, and changing one needs `If-Match`, so that nobody overwrites what he has not seen (RFC 9110 §13.1.1):
 * 428 without it, 412 when somebody else was faster. Errors are problem documents (RFC 9457), which is what `HttpError` becomes.
 *
 * It is a function that makes an application: tests hand it a store of their own, and no port.
 */
import { Application, HttpError, type Reply, reply, requestId, type ServerRequest } from "sluice/server";
import * as z from "zod";
import type { Note, NoteStore } from "./note-store.js";

const NOTE = "/notes/:id";

const Title = z.string().trim().min(1).max(200);
const Draft = z.strictObject({
  title: Title,
  text: z.string().max(10_000).default(""),
  tags: z.array(z.string().min(1).max(30)).max(10).default([]),
});
/** What a PATCH may say: members that are there replace the note's (RFC 7396, for a flat object without nulls). */
const Patch = z.strictObject({
  title: Title.optional(),
  text: z.string().max(10_000).optional(),
  tags: z.array(z.string().min(1).max(30)).max(10).optional(),
});
/** A query is text: the schema makes numbers of digits, and says what else is wrong. */
const PageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.uuid().optional(),
  tag: z.string().min(1).optional(),
});

export function notesApp(store: NoteStore): Application {
  const app = new Application({ maxBodySize: 64 * 1024 });
  app.use(requestId());

  app.get("/notes", async (request) => {
    const { limit, after, tag } = await request.valid("query", PageQuery);
    const { notes, next } = await store.list(limit, after, tag);
    const answer = reply.json({ notes });
    if (next !== undefined) {
      const url = app.urlFor("/notes", {}, { query: { limit, after: next, tag } });
      answer.headers.set("Link", `<${url}>; rel="next"`);
    }
    return answer;
  });

  app.post("/notes", async (request) => {
    const note = await store.add(await request.json(Draft));
    return noteReply(note, 201, { Location: app.urlFor(NOTE, { id: note.id }) });
  });

  app.get(NOTE, async (request) => {
    const note = await found(request);
    return request.isFresh({ etag: tagOf(note) })
      ? reply.empty({ status: 304, headers: { ETag: tagOf(note) } })
      : noteReply(note);
  });

  app.put(NOTE, async (request) => {
    const seen = await seenBefore(request);
    return changed(await store.replace(seen.id, seen.version, await request.json(Draft)));
  });

  app.patch(NOTE, async (request) => {
    const seen = await seenBefore(request);
    const { title = seen.title, text = seen.text, tags = seen.tags } = await request.json(Patch);
    return changed(await store.replace(seen.id, seen.version, { title, text, tags }));
  });

  app.delete(NOTE, async (request) => {
    const seen = await seenBefore(request);
    if (!(await store.remove(seen.id, seen.version))) throw overtaken();
    return null;
  });

  async function found({ params }: ServerRequest<{ readonly id: string }>): Promise<Note> {
    const note = await store.find(params.id);
    if (note === undefined) throw new HttpError(404, "There is no such note");
    return note;
  }

  /** The note that is to be changed, as the client has seen it. Throws 404, 428 and 412. */
  async function seenBefore(request: ServerRequest<{ readonly id: string }>): Promise<Note> {
    const note = await found(request);
    if (!request.headers.has("if-match")) {
      throw new HttpError(428, "Say by If-Match which version is to be changed", { headers: { ETag: tagOf(note) } });
    }
    request.requirePreconditions({ etag: tagOf(note) });
    return note;
  }

  return app;
}

function tagOf({ version }: Note): string {
  return `"${version}"`;
}

function noteReply(note: Note, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return reply.json(note, { status, headers: { ...headers, ETag: tagOf(note), "Cache-Control": "no-cache" } });
}

function changed(note: Note | undefined): Reply {
  if (note === undefined) throw overtaken();
  return noteReply(note);
}

/** The version was right when it was looked at, and is not any more. */
function overtaken(): HttpError {
  return new HttpError(412, "Somebody else has changed this note meanwhile");
}
