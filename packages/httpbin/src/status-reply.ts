/** What an answer of each status has besides: where to go, how to prove oneself, a word. */

import { type Reply, reply } from "sluice/server";
import { jsonReply } from "./json-reply.js";

/** What `/image` can answer with, best first; the last one stands for all of them (RFC 9110 §12.5.1). */
const ACCEPTED_IMAGES: readonly string[] = ["image/webp", "image/svg+xml", "image/jpeg", "image/png", "image/*"];

/** Statuses that send the client elsewhere, and where that is. */
const REDIRECTS: readonly number[] = [301, 302, 303, 305, 307, 308];
const REDIRECT_TARGET = "/redirect/1";
const PLAIN = { "Content-Type": "text/plain; charset=utf-8" };

const TEAPOT = `
      I'm a teapot

          (  )
         .-""-.
      __/      \\__
     (  |      |  /
      \\_|      |_/
        \\______/
`;

/** The answer that `/status/…` gives for one status. */
export function statusReply(status: number): Reply {
  if (REDIRECTS.includes(status)) return reply.empty({ status, headers: { Location: REDIRECT_TARGET } });
  switch (status) {
    case 401:
      return reply.empty({ status, headers: { "WWW-Authenticate": 'Basic realm="Fake Realm"' } });
    case 402:
      return reply.text("Pay me!", { status, headers: PLAIN });
    case 406:
      return jsonReply(
        { accept: ACCEPTED_IMAGES, message: "Client did not request a supported media type." },
        { status },
      );
    case 407:
      return reply.empty({ status, headers: { "Proxy-Authenticate": 'Basic realm="Fake Realm"' } });
    case 418:
      return reply.text(TEAPOT, {
        status,
        headers: { ...PLAIN, "X-More-Info": "https://www.rfc-editor.org/rfc/rfc2324" },
      });
    default:
      return reply.empty({ status });
  }
}
