/**
 * What comes in pages, as one iteration. Here are the options and the handle; `follow-pages.ts`, loaded when it is first read, makes
 * the requests.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ParamsInput, RequestOptions } from "./options.js";
import { itemsOf } from "./page-items.js";
import type { ClientResponse } from "./response.js";
import type { ClientSession } from "./session.js";

/** One page. */
export interface Page<T> {
  readonly data: T;
  /** Counted from 1. */
  readonly number: number;
  /** Its head: the body has been read. */
  readonly response: ClientResponse;
}

/** What is to be asked for next: a URL, or changes to the request before. */
export interface NextRequest {
  /** Relative to the URL of the page before. @default that of the first request */
  readonly url?: string | URL;
  /** Set in the URL's query, in place of those of the same name. */
  readonly params?: ParamsInput;
  /** In place of the options' own. */
  readonly json?: unknown;
}

/** The next page has a mark that this one names; none (undefined, null or an empty string) ends it. */
export interface ByCursor<T> {
  /** Where the mark is in the data. */
  readonly cursor: (data: T) => string | number | null | undefined;
  /** The query parameter that takes it. */
  readonly param: string;
}

/** Pages have numbers; the first one without items ends it. */
export interface ByNumber<T> {
  /** The query parameter that takes the number. */
  readonly page: string;
  /** @default 1 */
  readonly first?: number;
  /** Where the items are in the data. @default the data itself */
  readonly items?: (data: T) => readonly unknown[];
}

/** Pages begin at an offset and have `limit` items; the first one with fewer ends it. */
export interface ByOffset<T> {
  /** The query parameter that takes the offset. */
  readonly offset: string;
  /** Items of a page: sent, and compared with what came. 1 or more. */
  readonly limit: number;
  /** @default "limit" */
  readonly limitParam?: string;
  /** Where the items are in the data. @default the data itself */
  readonly items?: (data: T) => readonly unknown[];
}

/** Decides for itself; undefined or null ends it. */
export type ByFunction<T> = (response: ClientResponse, data: T) => string | URL | NextRequest | null | undefined;

/** How one page leads to the next; `link`: by the `Link` field with `rel="next"` (RFC 8288). */
export type PageOrder<T> = "link" | ByCursor<T> | ByNumber<T> | ByOffset<T> | ByFunction<T>;

/** Options of `session.paginate()`: those of a request, used for each page, and these. */
export interface PaginateOptions<T = unknown> extends RequestOptions {
  /** @default "GET" */
  readonly method?: string;
  /** @default "link" */
  readonly by?: PageOrder<T>;
  /** Takes the data out of an answer. @default its JSON, validated by `schema` if there is one */
  readonly read?: (response: ClientResponse) => T | Promise<T>;
  /** Most pages: after so many it ends, whether there are more or not. 1 or more. @default Infinity */
  readonly maxPages?: number;
  /** Origins besides that of the first page to which a page may lead; see `paginate/cross-origin`. @default none */
  readonly allowOrigins?: readonly string[];
  /** Asks for the next page while the one before is being used. @default false */
  readonly prefetch?: boolean;
}

/** Options of `session.paginate()` that give its data a type: what the schema makes of each page's JSON. */
export interface TypedPaginateOptions<S extends StandardSchemaV1>
  extends PaginateOptions<StandardSchemaV1.InferOutput<S>> {
  readonly schema: S;
}

/** What pages are made with. */
export interface PagesSource<T> {
  readonly session: ClientSession;
  readonly url: string | URL;
  readonly options: PaginateOptions<T> & { readonly schema?: StandardSchemaV1 };
}

/** The members of a page whose data is a list. */
export type ItemOf<T> = T extends readonly (infer Item)[] ? Item : unknown;

/** Read by `for await`, as often as you like: each time from the first page on. Leaving the loop asks for no more. */
export class Pages<T> implements AsyncIterable<Page<T>> {
  readonly #source: PagesSource<T>;

  constructor(source: PagesSource<T>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Page<T>, void, undefined> {
    const { followPages } = await import("./follow-pages.js");
    yield* followPages(this.#source);
  }

  /**
   * The items of all pages, one after another. `pick` says where they are in a page's data; without it the data itself is the list.
   * Throws `UsageError` `paginate/no-items` for what is no list.
   */
  items(): AsyncGenerator<ItemOf<T>, void, undefined>;
  items<Item>(pick: (data: T) => readonly Item[]): AsyncGenerator<Item, void, undefined>;
  async *items(pick: (data: T) => unknown = (data) => data): AsyncGenerator<never, void, undefined> {
    for await (const { data, response } of this) yield* itemsOf(pick(data), response) as readonly never[];
  }
}
