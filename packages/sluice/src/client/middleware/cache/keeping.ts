/**
 * What a cache keeps of the answers that pass it (RFC 9111 §3, §3.2, §4.3.3 to §4.3.5): whole ones as they are read by the caller,
 * and of those without content what they say of the stored ones.
 */
import { formatHttpDate } from "../../../http/dates.js";
import type { FieldLines } from "../../../http1/sinks.js";
import { withCacheStatus } from "../../cache-status.js";
import { findField, hasField } from "../../field-lines.js";
import type { ClientRequest } from "../../request.js";
import type { ClientResponse } from "../../response.js";
import type { ResolvedCacheOptions } from "./cache.js";
import type { KeyMaker } from "./key.js";
import type { ChangeLog } from "./recording/change-log.js";
import { Recording } from "./recording/recording.js";
import { RecordingRoom } from "./recording/recording-room.js";
import type { CacheRules } from "./rules/cache-rules.js";
import type { Directives } from "./rules/directives.js";
import { agreesWithHead, sharesStrongValidator, storedFields, updatedFields } from "./rules/freshening.js";
import { isSameVariant, selectingFields, selects } from "./selecting.js";
import type { CacheEntry } from "./store/cache-store.js";
import type { Shelf } from "./store/shelf.js";

/** A request whose answer may be kept. */
export interface Kept {
  readonly request: ClientRequest;
  /** Where its answers are. */
  readonly key: string;
  /** What its `Cache-Control` asks for. */
  readonly asked: Directives;
  /** {@link ChangeLog.now} when it was sent. */
  readonly mark: number;
}

/** What one cache has of each. */
export interface CacheParts {
  readonly rules: CacheRules;
  readonly keys: KeyMaker;
  readonly shelf: Shelf;
  readonly changes: ChangeLog;
}

/** Answers without content, whatever their framing says (RFC 9110 §6.4.1). */
const NO_CONTENT = 204;

/** The keeping part of one cache. */
export class Keeping {
  readonly #options: ResolvedCacheOptions;
  readonly #parts: CacheParts;
  readonly #room: RecordingRoom;

  constructor(options: ResolvedCacheOptions, parts: CacheParts) {
    this.#options = options;
    this.#parts = parts;
    this.#room = new RecordingRoom(options.maxRecordingBytes);
  }

  /** Whether the resource was changed while the answer was on its way (§4.4). */
  #isOvertaken({ key, mark }: Kept): boolean {
    return this.#parts.changes.isChangedSince(key, mark);
  }

  /** The entry with what a 304 says of it (§4.3.4). */
  validated(kept: Kept, entry: CacheEntry, response: ClientResponse): CacheEntry {
    const fresh = this.#freshened(kept, entry, response);
    if (fresh === undefined || this.#isOvertaken(kept)) {
      void this.#parts.shelf.change(kept.key, (entries) => entries.filter((one) => !isUnchanged(one, entry)));
    } else if (!kept.asked.has("no-store")) {
      void this.#parts.shelf.change(kept.key, (entries) => {
        return entries.map((one) => {
          if (isUnchanged(one, entry)) return fresh;
          return sharesStrongValidator(one, response) ? (this.#freshened(kept, one, response, true) ?? one) : one;
        });
      });
    }
    return fresh ?? withTimes(entry, kept.request, response);
  }

  /** `entry` under a newer head; undefined if it may not be stored under it. `other`: the request did not select it. */
  #freshened(kept: Kept, entry: CacheEntry, response: ClientResponse, other = false): CacheEntry | undefined {
    const fields = updatedFields(entry.fields, datedFields(response.fields, kept.request));
    const selecting = other ? entry.selecting : selectingFields(fields, kept.request, response.request);
    if (selecting === undefined) return undefined;
    const fresh = { ...withTimes(entry, kept.request, response), fields, selecting };
    return this.#parts.rules.mayStore(fresh) ? fresh : undefined;
  }

  /** An answer that is the caller's: kept on its way, if it may be. */
  take(kept: Kept, response: ClientResponse): ClientResponse {
    const { request } = kept;
    withCacheStatus(response, "miss");
    if (kept.asked.has("no-store")) return response;
    if (request.method === "HEAD" || response.status === 304) {
      this.#update(kept, response);
      return response;
    }
    const entry = this.#entryFor(kept, response);
    if (entry !== undefined) this.#record(kept, response, entry);
    // What was stored has been answered by something that may not be.
    else if (response.ok) void this.#parts.shelf.change(kept.key, (all) => all.filter((one) => !selects(request, one)));
    return response;
  }

  /** The entry that a whole answer would be, still without its body; undefined if it is not to be stored (§3). */
  #entryFor({ request }: Kept, response: ClientResponse): CacheEntry | undefined {
    const { status, statusText, httpVersion } = response;
    const sent = response.request;
    if (sent.target.href !== request.target.href || !hasDefiniteEnd(response)) return undefined;
    if ((declaredBytes(response) ?? 0) > this.#options.maxEntryBytes) return undefined;
    const fields = storedFields(datedFields(response.fields, request));
    const selecting = selectingFields(fields, request, sent);
    if (selecting === undefined || !this.#parts.keys.isOwnAnswer(request, sent)) return undefined;
    const decoded = request.settings.decompress && response.contentEncoding !== undefined;
    const version = httpVersion === "1.1" ? 11 : 10;
    const body = new Uint8Array(0);
    const plain = { status, statusText, version, fields, body, decoded, requestedAt: 0, receivedAt: 0, selecting };
    const entry = withTimes(plain, request, response);
    if (!this.#parts.rules.mayStore(entry)) return undefined;
    return this.#options.staleIfError > 0 || this.#parts.rules.isOfUse(entry) ? entry : undefined;
  }

  #record(kept: Kept, response: ClientResponse, head: CacheEntry): void {
    const { maxEntryBytes } = this.#options;
    const recording = new Recording(this.#room, maxEntryBytes, declaredBytes(response), (body) => {
      if (body === undefined || this.#isOvertaken(kept)) return;
      const entry = { ...head, body };
      void this.#parts.shelf.change(kept.key, (entries) => {
        const others = entries.filter((one) => !isSameVariant(one, entry) && !selects(kept.request, one));
        return [entry, ...others];
      });
    });
    recording.follow(response.body);
  }

  /** What the answer to a HEAD (§4.3.5), or to a condition of the caller's (§4.3.4), says of stored responses. */
  #update(kept: Kept, response: ClientResponse): void {
    if ((response.status !== 200 && response.status !== 304) || this.#isOvertaken(kept)) return;
    void this.#parts.shelf.change(kept.key, (entries) => {
      return entries.flatMap((one) => {
        if (one.status !== 200 || !selects(kept.request, one)) return [one];
        if (response.status === 304) {
          return sharesStrongValidator(one, response) ? (this.#freshened(kept, one, response) ?? []) : [one];
        }
        return agreesWithHead(one, response) ? (this.#freshened(kept, one, response) ?? []) : [];
      });
    });
  }
}

/** An answer that ends with its connection may have been cut short, and nobody could tell (§3.3; RFC 9112 §8). */
function hasDefiniteEnd({ status, fields }: ClientResponse): boolean {
  return status === NO_CONTENT || hasField(fields, "content-length") || hasField(fields, "transfer-encoding");
}

function declaredBytes(response: ClientResponse): number | undefined {
  const length = findField(response.fields, "content-length");
  return length === undefined || response.contentEncoding !== undefined ? undefined : Number(length);
}

/** With the `Date` that whoever stores a response adds where the origin has no clock (RFC 9110 §6.6.1). */
function datedFields(fields: FieldLines, request: ClientRequest): FieldLines {
  return hasField(fields, "date") ? fields : [...fields, "date", formatHttpDate(request.clock.wallTime())];
}

/** Asked for and received when `response` was. */
function withTimes(entry: CacheEntry, request: ClientRequest, response: ClientResponse): CacheEntry {
  const receivedAt = request.clock.wallTime();
  const { send, wait } = response.timings;
  return { ...entry, receivedAt, requestedAt: receivedAt - send - wait };
}

/** Whether the store still has the very entry that was read from it. */
function isUnchanged(stored: CacheEntry, read: CacheEntry): boolean {
  const sameTag = findField(stored.fields, "etag") === findField(read.fields, "etag");
  return stored.receivedAt === read.receivedAt && sameTag && isSameVariant(stored, read);
}
