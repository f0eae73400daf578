/** The headers of an answer: a real `Headers`, which nobody may change (Fetch §5.1, guard "immutable"). */
import type { FieldLines } from "../../http1/sinks.js";

/** The platform's class as one of methods, so that they can be overridden; its types have properties. */
interface NativeHeaders {
  append(name: string, value: string): void;
}

const Native = globalThis.Headers as unknown as new () => NativeHeaders;

/** Made of field lines that the codec has checked. Changing it throws `TypeError`. */
export class ResponseHeaders extends Native {
  constructor(fields: FieldLines) {
    super();
    for (let at = 0; at < fields.length; at += 2) super.append(fields[at] ?? "", fields[at + 1] ?? "");
  }

  override append(): never {
    throw immutable();
  }

  set(): never {
    throw immutable();
  }

  delete(): never {
    throw immutable();
  }
}

function immutable(): TypeError {
  return new TypeError("Cannot change the headers of a response: they are immutable");
}
