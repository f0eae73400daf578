/** Where Node's own `fetch` and ours do not do the same, and why. The test fails for a difference that is not here. */
import type { FetchCase, Init } from "./cases.js";
import type { Difference, Outcome } from "./compare.js";

/** One explained kind of difference. */
export interface Explained {
  readonly what: string;
  readonly why: string;
  covers(difference: Difference, outcomes: { native: Outcome; ours: Outcome; one: FetchCase }): boolean;
}

/** All of them. */
export const EXPLAINED: readonly Explained[] = [
  {
    what: "Node 20 waits for ever",
    why: "Its decoder does not notice that a coded body has broken off",
    covers: (_difference, { native }) => native.response === "waits for ever",
  },
  {
    what: "Node sends `connection: keep-alive`",
    why: "It is what HTTP/1.1 does without saying so (RFC 9112 §9.3)",
    covers: ({ path, native, ours }) =>
      path.endsWith(".headers.connection") && native === "keep-alive" && ours === undefined,
  },
  {
    what: "`accept-language: *` and `sec-fetch-mode`, which Node sends",
    why: "The standard has user agents send them for their user and their pages; a library has neither",
    covers: ({ path, ours }) => /\.headers\.(accept-language|sec-fetch-mode)$/.test(path) && ours === undefined,
  },
  {
    what: "`user-agent` and `accept-encoding` have each library's own value",
    why: "The standard leaves both to the implementation; br is asked for over http too, where Node asks for it over https only",
    covers: ({ path, native }) =>
      /\.headers\.(user-agent|accept-encoding)$/.test(path) && (native === "node" || native === "gzip, deflate"),
  },
  {
    what: "Node closes the connection after HEAD",
    why: "It guards against servers that send a body all the same; our codec notices those, and closes only then",
    covers: ({ path, native, ours }) =>
      path.endsWith(".headers.connection") && native === "close" && ours === undefined,
  },
  {
    what: "Whitespace at the end of a field's value",
    why: "RFC 9110 §5.5: it is no part of the value; Node's parser leaves it there",
    covers: ({ path, native, ours }) =>
      path.startsWith("response.headers.") && typeof native === "string" && native.trimEnd() === ours,
  },
  {
    what: "Without a body, a `content-length` that says otherwise is refused",
    why: "Node drops it for some methods, and sends it for others; a wrong length is how requests are smuggled",
    covers: (_difference, { one, ours }) => lengthOf(one) === "3" && failed(ours),
  },
  {
    what: "`only-if-cached` is a network error",
    why: "So says the standard where nothing is cached (§4.5 step 8.23); Node asks the network all the same",
    covers: (_difference, { one, ours }) => initOf(one)?.["cache"] === "only-if-cached" && failed(ours),
  },
  {
    what: "The body of a `Request` is sent again after a redirect",
    why: "As above: it is in memory, whatever it was made of",
    covers: (_difference, { one, native, ours }) =>
      initOf(one)?.["duplex"] === "half" && failed(native) && ours.received.length > native.received.length,
  },
  {
    what: "An idempotent request is sent once more when a kept connection turns out to be closed",
    why: "RFC 9110 §9.2.2, and every session does it; Node's fetch leaves it to its caller",
    covers: ({ path }, { ours: { received } }) =>
      path.startsWith("received.") && received.at(-1)?.target === received.at(-2)?.target,
  },
  {
    what: "Credentials in a Location are a network error in every mode",
    why: "The standard refuses them in `cors` mode and would use them in others: they are the server's choice, not the caller's",
    covers: (_difference, { one, native, ours }) =>
      initOf(one)?.["mode"] === "same-origin" &&
      failed(ours) &&
      String(JSON.stringify(native.response)).includes("//u:p@"),
  },
  {
    what: "`no-cors` is as `cors`",
    why: "A mode of pages: it keeps from them what they may not read, and has no meaning without one",
    covers: (_difference, { one, native }) => initOf(one)?.["mode"] === "no-cors" && rejected(native),
  },
  {
    what: "A body without bytes is sent with `content-length: 0`, whatever it is made of and whatever the method",
    why: "Node waits for a stream's first piece to see that there is none, and leaves the field out for some methods",
    covers: ({ path, native, ours }, { ours: { received } }) =>
      /\.headers\.(content-length|transfer-encoding)$/.test(path) &&
      ((native === "0" && ours === undefined) || (native === undefined && (ours === "0" || ours === "chunked"))) &&
      received.some(({ body }) => body === ""),
  },
  {
    what: "The body of a `Request` that is all there is sent with its length",
    why: "We take it back into memory, so that it can be sent again; Node sends what was a stream in chunks",
    covers: ({ path, native, ours }, { one }) =>
      /\.headers\.(content-length|transfer-encoding)$/.test(path) &&
      (native === "chunked" || native === undefined) &&
      ours !== "chunked" &&
      initOf(one)?.["duplex"] === "half",
  },
  {
    what: "Both a header `referer` and a referrer",
    why: "The header is the caller's word; Node puts both into one field, which has room for one URL",
    covers: ({ path }, { one }) => {
      const headers = initOf(one)?.["headers"] as Record<string, unknown> | undefined;
      return path.endsWith(".headers.referer") && headers?.["referer"] !== undefined;
    },
  },
  {
    what: "`no-referrer` is kept to",
    why: "Referrer Policy §3.1; Node 20 takes it for the default policy",
    covers: ({ path, ours }, { one }) =>
      path.endsWith(".headers.referer") && ours === undefined && initOf(one)?.["referrerPolicy"] === "no-referrer",
  },
  {
    what: "An aborted signal is seen before a URL that does not parse",
    why: "With a `baseUrl` a relative URL is valid: it is looked at where the session is known",
    covers: ({ path }, { one, native }) =>
      path.startsWith("rejected") &&
      rejected(native) &&
      (initOf(one)?.["signal"] as AbortSignal | null)?.aborted === true,
  },
  {
    what: "Bytes are sent again after a redirect",
    why: "So says the standard (§4.4 step 14); Node 20 has given the buffer away by then and fails",
    covers: (_difference, { one, native, ours }) =>
      isBytes(initOf(one)?.["body"]) && failed(native) && ours.received.length > native.received.length,
  },
];

function initOf(one: FetchCase): Init | undefined {
  return one.init();
}

function lengthOf(one: FetchCase): unknown {
  return (initOf(one)?.["headers"] as Record<string, unknown> | undefined)?.["content-length"];
}

function isBytes(body: unknown): boolean {
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body);
}

function failed({ rejected }: Outcome): boolean {
  return (rejected as { network?: string } | undefined)?.network === "fetch failed";
}

function rejected({ rejected }: Outcome): boolean {
  return (rejected as { name?: string } | undefined)?.name === "TypeError";
}
