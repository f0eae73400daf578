/**
 * Values that travel with an application or a request, by typed key: `const Db = app.key<Database>("db")`. A key is known by
 * identity, so two parts of a program never meet by accident under one name.
 */

import { UsageError } from "../errors.js";

/** Names one value of type `Value`. Two keys of the same name are two keys. */
export class Key<Value> {
  /** For error messages only. */
  readonly name: string;
  /** Ties the key to its type; never there at run time. */
  declare protected readonly valueType: Value;

  constructor(name: string) {
    this.name = name;
  }
}

/** The values of one owner, falling back on an outer one (a request's on its application's, a sub-application's on the one round it). */
export class KeyStore {
  readonly #values = new Map<Key<unknown>, unknown>();
  #outer: KeyStore | undefined;

  constructor(outer?: KeyStore) {
    this.#outer = outer;
  }

  /** From now on, what is not here is looked for there. */
  fallBackOn(outer: KeyStore): void {
    this.#outer = outer;
  }

  set<Value>(key: Key<Value>, value: Value): void {
    this.#values.set(key, value);
  }

  has(key: Key<unknown>): boolean {
    return this.#values.has(key) || (this.#outer?.has(key) ?? false);
  }

  /** Throws `UsageError` `key/unset` when nobody has set it: a value may be undefined, a missing one is a mistake. */
  get<Value>(key: Key<Value>): Value {
    // What was stored under a Key<Value> is a Value: `set` is the only way in.
    if (this.#values.has(key)) return this.#values.get(key) as Value;
    if (this.#outer !== undefined) return this.#outer.get(key);
    throw new UsageError("key/unset", `Cannot get "${key.name}": nothing was set under this key`);
  }
}
