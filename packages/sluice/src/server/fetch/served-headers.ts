/** The headers of a request being served: a `Headers` by its prototype chain, that looks a name up in the field lines as received. */

import { isToken } from "../../bytes/char-tables.js";
import type { FieldLines } from "../../http1/sinks.js";
import { joinField } from "../field-lookup.js";
import { delegateRest } from "./native-delegation.js";

/** Made of field lines that the codec has checked. Changing it, or going through it, makes it a native one. */
export class ServedHeaders {
  readonly #fields: FieldLines;
  #native: Headers | undefined = undefined;

  constructor(fields: FieldLines) {
    this.#fields = fields;
  }

  /** The values under one name as one list (Fetch §2.2), or null. Throws `TypeError` for what is no name. */
  get(name: string): string | null {
    if (this.#native !== undefined || !isName(name)) return this.#asNative().get(name);
    const lower = name.toLowerCase();
    return joinField(this.#fields, lower, lower === "cookie" ? "; " : ", ") ?? null;
  }

  has(name: string): boolean {
    if (this.#native !== undefined || !isName(name)) return this.#asNative().has(name);
    return joinField(this.#fields, name.toLowerCase()) !== undefined;
  }

  #asNative(): Headers {
    if (this.#native === undefined) {
      this.#native = new Headers();
      for (let at = 0; at < this.#fields.length; at += 2) {
        this.#native.append(this.#fields[at] ?? "", this.#fields[at + 1] ?? "");
      }
    }
    return this.#native;
  }

  static {
    delegateRest(ServedHeaders.prototype, {
      real: Headers.prototype,
      sample: new Headers(),
      toNative: (light: ServedHeaders) => light.#asNative(),
    });
  }
}

function isName(name: unknown): boolean {
  return typeof name === "string" && isToken(name);
}
