/**
 * The files of a folder as answers: from a path to what is there, and from there to an answer.
 *
 * Strategy: what a path led to is kept for `recheckAfter`; until then a file in memory is answered without a promise and without
 * asking the system. Afterwards its place is looked up again, and read again only if it is another version. Several requests that
 * need the same look share it. A file that could change unseen (see `representation.ts`) is never kept.
 */

import type { Clock } from "../../concurrency/clock.js";
import { Folder } from "../../platform/folder.js";
import { HttpError } from "../http-error.js";
import { Reply } from "../reply.js";
import { type Asked, answerStaticFile } from "./file-answer.js";
import { FileCache, type StaticFile } from "./file-cache.js";
import { asFileFault, unsteadyFile } from "./file-faults.js";
import { isNavigation } from "./navigation.js";
import { redirectToFolder } from "./redirect-to-folder.js";
import { type Found, lookUp } from "./static-lookup.js";
import { makeStaticFile } from "./static-maker.js";
import type { ResolvedStaticOptions } from "./static-options.js";
import type { PathRules } from "./static-path.js";

/** A request for a file. */
export interface StaticRequest extends Asked {
  /** The path it asks for: escaped, without the prefix and the slash behind it. */
  readonly rest: string;
  /** Without its question mark. */
  readonly query: string;
}

/** A file to be sent, or what else a path leads to. */
type Outcome = { readonly kind: "ready"; readonly file: StaticFile } | Exclude<Found, { readonly kind: "file" }>;

/** How often a file that changes while it is opened is looked at anew. */
const MOST_LOOKS = 5;
/** Begins the keys of files in the role of the fallback; no path contains it. */
const AS_FALLBACK = "\0";

/** See the head of this file. */
export class StaticFiles {
  readonly #folder: Folder;
  readonly #options: ResolvedStaticOptions;
  readonly #clock: Clock;
  readonly #rules: PathRules;
  readonly #cache: FileCache;
  readonly #looks = new Map<string, Promise<Outcome | undefined>>();
  readonly #wallTime: () => number;

  constructor(directory: string, options: ResolvedStaticOptions, clock: Clock) {
    this.#folder = new Folder(directory, options.links);
    this.#options = options;
    this.#clock = clock;
    this.#rules = { dotfiles: options.dotfiles, windows: process.platform === "win32" };
    this.#cache = new FileCache(options.memory.maxSize);
    this.#wallTime = () => clock.wallTime();
  }

  /** Answers a GET or HEAD. Throws or rejects with `HttpError`: 404 for what is not there, and as {@link answerStaticFile} does. */
  answer(asked: StaticRequest): Reply | Promise<Reply> {
    const kept = this.#cache.get(asked.rest);
    if (kept !== undefined && this.#clock.now() - kept.checkedAt < this.#options.memory.recheckAfter) {
      const reply = answerStaticFile(asked, kept.file, this.#wallTime);
      return reply instanceof Reply ? reply : this.#finish(asked, reply);
    }
    return this.#finish(asked, undefined);
  }

  /** Looks until an answer could be made of what was seen. */
  async #finish(asked: StaticRequest, begun: Promise<Reply | undefined> | undefined): Promise<Reply> {
    try {
      let reply = await begun;
      for (let looks = 0; reply === undefined && looks < MOST_LOOKS; looks += 1) {
        const outcome = (await this.#look(asked.rest)) ?? (await this.#lookForFallback(asked));
        reply = outcome === undefined ? undefined : await this.#answer(asked, outcome);
      }
      if (reply !== undefined) return reply;
    } catch (error) {
      throw asFileFault(error);
    }
    throw unsteadyFile();
  }

  /** Undefined: the file is another by now. */
  async #answer(asked: StaticRequest, outcome: Outcome): Promise<Reply | undefined> {
    if (outcome.kind === "ready") return answerStaticFile(asked, outcome.file, this.#wallTime);
    if (outcome.kind === "redirect") return redirectToFolder(asked.rest, asked.query);
    const { answerListing } = await import("./listing.js");
    return answerListing(asked, this.#folder, outcome.segments, this.#rules);
  }

  /** Rejects with `HttpError` 404 unless there is a fallback, and the request one that it answers. */
  async #lookForFallback({ fields }: StaticRequest): Promise<Outcome | undefined> {
    const { fallback } = this.#options;
    const found =
      fallback === undefined || !isNavigation(fields) ? undefined : await this.#look(AS_FALLBACK + fallback);
    if (found === undefined) throw new HttpError(404, "There is nothing at this path", { code: "static/not-found" });
    return found;
  }

  /** What is at the path `key`; requests that come while it is looked up get the same. */
  #look(key: string): Promise<Outcome | undefined> {
    const begun = this.#looks.get(key);
    if (begun !== undefined) return begun;
    const look = this.#resolve(key).finally(() => this.#looks.delete(key));
    this.#looks.set(key, look);
    return look;
  }

  async #resolve(key: string): Promise<Outcome | undefined> {
    const asFallback = key.startsWith(AS_FALLBACK);
    const rest = asFallback ? key.slice(AS_FALLBACK.length) : key;
    // Before anything is looked at: what changes meanwhile is seen at the next look.
    const checkedAt = this.#clock.now();
    const nowMs = this.#clock.wallTime();
    const earlier = this.#cache.get(key)?.file;
    this.#cache.delete(key);
    const found = await lookUp(this.#folder, rest, this.#rules, this.#options);
    if (found?.kind !== "file") return found;
    const { place, name, isIndex } = found;
    const standsIn = asFallback ? "fallback" : isIndex ? "index" : undefined;
    const file = await makeStaticFile({ place, name, standsIn, rest }, this.#options, nowMs, earlier);
    if (file === undefined) return undefined;
    if (isSettled(file)) this.#cache.set(key, file, checkedAt);
    return { kind: "ready", file };
  }
}

function isSettled({ original, siblings }: StaticFile): boolean {
  return original.settled && siblings.every(({ representation }) => representation.settled);
}
