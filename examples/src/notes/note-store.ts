/** Where notes are kept: here in memory; a database would have the same methods. Every change gives a note a new version. */
import { randomUUID } from "node:crypto";

/** What a client decides about a note. */
export interface NoteDraft {
  readonly title: string;
  readonly text: string;
  readonly tags: readonly string[];
}

export interface Note extends NoteDraft {
  readonly id: string;
  /** Counts from 1. */
  readonly version: number;
  /** RFC 3339. */
  readonly created: string;
  readonly changed: string;
}

/** Part of a list. */
export interface NotePage {
  readonly notes: readonly Note[];
  /** What to ask for to get what follows; undefined at the end. */
  readonly next: string | undefined;
}

/** See the head of this file. */
export class NoteStore {
  readonly #notes = new Map<string, Note>();
  readonly #now: () => Date;

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  /** At most `limit` notes in order of their making, those behind the note `after` if one is named; with `tag`, only those that have it. */
  async list(limit: number, after?: string, tag?: string): Promise<NotePage> {
    const all = [...this.#notes.values()];
    const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const fitting = all.slice(start).filter(({ tags }) => tag === undefined || tags.includes(tag));
    const notes = fitting.slice(0, limit);
    return { notes, next: fitting.length > limit ? notes.at(-1)?.id : undefined };
  }

  async find(id: string): Promise<Note | undefined> {
    return this.#notes.get(id);
  }

  async add(draft: NoteDraft): Promise<Note> {
    const created = this.#now().toISOString();
    const note = { ...draft, id: randomUUID(), version: 1, created, changed: created };
    this.#notes.set(note.id, note);
    return note;
  }

  /** Undefined if the note is not of `version` any more: somebody else was faster, between looking and changing. */
  async replace(id: string, version: number, draft: NoteDraft): Promise<Note | undefined> {
    const note = this.#notes.get(id);
    if (note?.version !== version) return undefined;
    const changed = { ...note, ...draft, version: version + 1, changed: this.#now().toISOString() };
    this.#notes.set(id, changed);
    return changed;
  }

  /** False if the note is not of `version` any more. */
  async remove(id: string, version: number): Promise<boolean> {
    return this.#notes.get(id)?.version === version && this.#notes.delete(id);
  }
}
