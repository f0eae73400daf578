/** A request as a mock saw it: what was really written to the wire, read back. */

import { HttpHeaders } from "../../http/headers.js";
import { showUrl } from "../../http/redact.js";
import type { FieldLines } from "../../http1/sinks.js";
import type { MockRoute } from "./mock-route.js";

/** Names of what a mock may show in messages, see `MockConnectorOptions`. */
export interface ShownNames {
  readonly showQuery: ReadonlySet<string> | undefined;
  readonly secretFields: ReadonlySet<string> | undefined;
}

/** What a request is made of. */
export interface MockRequestParts {
  readonly method: string;
  readonly url: URL;
  readonly fields: FieldLines;
  /** Undefined where the body was not waited for. */
  readonly bytes: Uint8Array | undefined;
  /** The mock's time. */
  readonly time: number;
  readonly shown: ShownNames;
}

const NO_BYTES = new Uint8Array(0);

/** One request that arrived at a mock. Each send is one: redirects and retries too. */
export class MockRequest {
  readonly method: string;
  /** Without a fragment, which is never sent. */
  readonly url: URL;
  readonly headers: HttpHeaders;
  /** The body, without its framing; empty where there is none. */
  readonly bytes: Uint8Array;
  /** False where the body was not waited for, because no route could match whatever it was. */
  readonly complete: boolean;
  /** When it had arrived, in milliseconds of the mock's clock. */
  readonly time: number;
  /** What answers it; undefined when nothing matched. */
  route: MockRoute | undefined = undefined;
  readonly #shown: ShownNames;

  constructor(parts: MockRequestParts) {
    const { secretFields } = parts.shown;
    this.method = parts.method;
    this.url = parts.url;
    this.headers = HttpHeaders.fromFields(parts.fields, { immutable: true, secretNames: secretFields });
    this.bytes = parts.bytes ?? NO_BYTES;
    this.complete = parts.bytes !== undefined;
    this.time = parts.time;
    this.#shown = parts.shown;
  }

  /** The query of the URL. A copy: changing it changes nothing. */
  get params(): URLSearchParams {
    return new URLSearchParams(this.url.search);
  }

  /** The body as UTF-8. */
  text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** The body as JSON. Throws `SyntaxError` for what is none. */
  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T;
  }

  /** The body as the fields of a form. */
  form(): URLSearchParams {
    return new URLSearchParams(this.text());
  }

  /** Method and URL without secrets: query values are hidden, except those of `showQuery`. */
  toString(): string {
    return `${this.method} ${showUrl(this.url, this.#shown.showQuery)}`;
  }
}
