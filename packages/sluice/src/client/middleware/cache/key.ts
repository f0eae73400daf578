/**
 * Under which key a request's answers are kept: a digest of its URL and of whose answers they are.
 *
 * A private cache belongs to one user (RFC 9111 §1), a session of a server program often to many. So whatever authenticates a
 * request parts the cache: a request never gets what was answered to other credentials. What only names its secret later (a
 * function that gives tokens, a jar of cookies) is told apart by being another object.
 */
import { sha256 } from "../../../platform/digest.js";
import type { ClientRequest } from "../../request.js";
import { joined } from "./selecting.js";
import type { CacheStore } from "./store/cache-store.js";

/** As `CacheOptions.partition`. */
export type Partition = (request: ClientRequest) => string | undefined;

/** Objects by the order in which a store has met them. */
type Ordinals = WeakMap<object, number>;

const CREDENTIALS = ["authorization", "cookie"];
const met = new WeakMap<CacheStore, { readonly ordinals: Ordinals; readonly counts: Map<string, number> }>();

/** Makes the keys of one cache. */
export class KeyMaker {
  readonly #store: CacheStore;
  readonly #partition: Partition | undefined;

  constructor(store: CacheStore, partition: Partition | undefined) {
    this.#store = store;
    this.#partition = partition;
  }

  /** Whose answers `request` may get and leave; undefined if the caller says that this one is not to be cached. */
  ownerOf(request: ClientRequest): string | undefined {
    if (this.#partition !== undefined) return this.#partition(request);
    const { fields, settings, trust } = request;
    const parts: string[] = [];
    for (const name of [...CREDENTIALS, ...(settings.secretFields ?? [])]) {
      const value = joined(fields, name);
      if (value !== undefined) parts.push(`${name}: ${value}`);
    }
    const { auth, jar } = settings;
    if (auth !== undefined && trust !== "none") parts.push(`auth: ${this.#nameOf("auth", auth)}`);
    if (jar !== undefined) parts.push(this.#ordinalOf("jar", jar));
    return parts.join("\n");
  }

  /** The key of the request's URL, or of another one at its host. A `Host` of the caller's is part of it (RFC 9110 §7.1). */
  keyOf(owner: string, request: ClientRequest, href = request.target.href): string {
    const host = joined(request.fields, "host") ?? "";
    return sha256(`${owner}\n\n${host}\n${href}`);
  }

  /** Whether the answer to `request` belongs to whoever {@link ownerOf} said, seen how it left. */
  isOwnAnswer(request: ClientRequest, sent: ClientRequest): boolean {
    if (this.#partition !== undefined || request.settings.auth !== undefined) return true;
    // Credentials that something further in has added are not known when the next request comes.
    return joined(sent.fields, "authorization") === joined(request.fields, "authorization");
  }

  #nameOf(kind: string, auth: object): string {
    const values = Object.values(auth);
    if (typeof auth !== "function" && values.every((value) => typeof value === "string")) return JSON.stringify(auth);
    return this.#ordinalOf(kind, auth);
  }

  #ordinalOf(kind: string, thing: object): string {
    let known = met.get(this.#store);
    if (known === undefined) {
      known = { ordinals: new WeakMap(), counts: new Map() };
      met.set(this.#store, known);
    }
    let ordinal = known.ordinals.get(thing);
    if (ordinal === undefined) {
      ordinal = known.counts.get(kind) ?? 0;
      known.ordinals.set(thing, ordinal);
      known.counts.set(kind, ordinal + 1);
    }
    return `${kind} ${ordinal}`;
  }
}
