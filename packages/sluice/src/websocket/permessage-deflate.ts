/**
 * Agreeing on permessage-deflate (RFC 7692 §7.1): what a client offers, which of a client's offers a server takes and how it answers,
 * and whether a client can live with that answer. How octets are deflated is for `MessageDeflater` and `MessageInflater`.
 *
 * A window of 2^8 is agreed to, though zlib cannot deflate raw with one: told to use 2^9 it looks back 250 octets at the most
 * (`w_size - MIN_LOOKAHEAD` in its deflate.c), which fits. `deflate-window.test.ts` holds it to that.
 */

import type { ResolvedDeflateOptions } from "./deflate-options.js";
import type { Extension } from "./extensions.js";

/** The token of the extension (§7). */
export const PERMESSAGE_DEFLATE = "permessage-deflate";

/** The parameters that apply to a connection. */
export interface DeflateAgreement {
  /** The server forgets with each message what it has sent (§7.1.1.1). */
  readonly serverNoContextTakeover: boolean;
  /** So does the client (§7.1.1.2). */
  readonly clientNoContextTakeover: boolean;
  /** The base-two logarithm of the window that the server compresses with, 8 to 15 (§7.1.2.1). */
  readonly serverMaxWindowBits: number;
  /** The same of the client's (§7.1.2.2). */
  readonly clientMaxWindowBits: number;
}

/** What is agreed to, and how the server says so. */
export interface AcceptedDeflate {
  readonly agreement: DeflateAgreement;
  readonly answer: Extension;
}

const MOST_BITS = 15;
/** §7.1.2.1: a number without leading zeros. */
const BITS = /^(?:[89]|1[0-5])$/;

const SERVER_NO_TAKEOVER = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER = "client_no_context_takeover";
const SERVER_BITS = "server_max_window_bits";
const CLIENT_BITS = "client_max_window_bits";

/** Parameters as they stand in an offer or an answer, each at most once and of the right form. */
interface Stated {
  readonly serverNoTakeover: boolean;
  readonly clientNoTakeover: boolean;
  readonly serverBits: number | undefined;
  /** `true`: named without a value, which only a client may do. */
  readonly clientBits: number | true | undefined;
}

/** The parameters that a user can wish for. */
export type DeflateWishes = Pick<ResolvedDeflateOptions, keyof DeflateAgreement>;

/** What a client offers to get no more than it wishes. It always says that it could be told to limit its own window. */
export function offerDeflate(wishes: DeflateWishes): Extension {
  const { clientMaxWindowBits: bits } = wishes;
  const own = [CLIENT_BITS, bits === MOST_BITS ? true : String(bits)] as const;
  return { name: PERMESSAGE_DEFLATE, parameters: [...listed(wishes), own] };
}

/** The first of a client's offers that a server with these wishes can take (§5.1, §7.1); undefined for none: nothing is compressed. */
export function acceptDeflate(offers: readonly Extension[], wishes: DeflateWishes): AcceptedDeflate | undefined {
  for (const offer of offers) {
    const stated = offer.name === PERMESSAGE_DEFLATE ? read(offer) : undefined;
    const agreement = stated === undefined ? undefined : agreeTo(stated, wishes);
    if (stated === undefined || agreement === undefined) continue;
    return { agreement, answer: { name: PERMESSAGE_DEFLATE, parameters: answered(agreement, stated) } };
  }
  return undefined;
}

/** What a server's answer to {@link offerDeflate} of these wishes means; undefined if it may not answer so: the connection fails (§7.1). */
export function agreeDeflate(answer: Extension, wishes: DeflateWishes): DeflateAgreement | undefined {
  const stated = read(answer);
  if (stated === undefined || stated.clientBits === true) return undefined;
  const { serverBits = MOST_BITS, clientBits = wishes.clientMaxWindowBits } = stated;
  if (wishes.serverNoContextTakeover && !stated.serverNoTakeover) return undefined;
  if (serverBits > wishes.serverMaxWindowBits || clientBits > wishes.clientMaxWindowBits) return undefined;
  return {
    serverNoContextTakeover: stated.serverNoTakeover,
    clientNoContextTakeover: stated.clientNoTakeover || wishes.clientNoContextTakeover,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits: clientBits,
  };
}

function agreeTo(stated: Stated, wishes: DeflateWishes): DeflateAgreement | undefined {
  // §7.1.2.2: a client that did not say that it could limit its window must not be told to.
  if (stated.clientBits === undefined && wishes.clientMaxWindowBits < MOST_BITS) return undefined;
  const offered = typeof stated.clientBits === "number" ? stated.clientBits : MOST_BITS;
  return {
    serverNoContextTakeover: stated.serverNoTakeover || wishes.serverNoContextTakeover,
    clientNoContextTakeover: stated.clientNoTakeover || wishes.clientNoContextTakeover,
    serverMaxWindowBits: Math.min(stated.serverBits ?? MOST_BITS, wishes.serverMaxWindowBits),
    clientMaxWindowBits: Math.min(offered, wishes.clientMaxWindowBits),
  };
}

/** Undefined for a parameter that is unknown, there twice, or has a value that it cannot have: the offer is declined then (§7). */
function read({ parameters }: Extension): Stated | undefined {
  const values = new Map(parameters);
  if (values.size !== parameters.length) return undefined;
  for (const [name, value] of values) if (!isParameter(name, value)) return undefined;
  const serverBits = values.get(SERVER_BITS);
  const clientBits = values.get(CLIENT_BITS);
  return {
    serverNoTakeover: values.has(SERVER_NO_TAKEOVER),
    clientNoTakeover: values.has(CLIENT_NO_TAKEOVER),
    serverBits: serverBits === undefined ? undefined : Number(serverBits),
    clientBits: clientBits === undefined || clientBits === true ? clientBits : Number(clientBits),
  };
}

function isParameter(name: string, value: string | true): boolean {
  switch (name) {
    case SERVER_NO_TAKEOVER:
    case CLIENT_NO_TAKEOVER:
      return value === true;
    case SERVER_BITS:
      return value !== true && BITS.test(value);
    case CLIENT_BITS:
      return value === true || BITS.test(value);
    default:
      return false;
  }
}

/** What a server says to it: a limit that the client asked for has to be repeated, even one of 15 (§7.1.2.1). */
function answered(agreed: DeflateAgreement, stated: Stated): Extension["parameters"] {
  const parameters = listed(agreed);
  if (agreed.serverMaxWindowBits === MOST_BITS && stated.serverBits !== undefined) {
    parameters.push([SERVER_BITS, String(MOST_BITS)]);
  }
  if (agreed.clientMaxWindowBits < MOST_BITS) parameters.push([CLIENT_BITS, String(agreed.clientMaxWindowBits)]);
  return parameters;
}

/** What is not as it would be anyway, but for the client's window, of which either side speaks in its own way. */
function listed(agreed: DeflateWishes): [name: string, value: string | true][] {
  const parameters: [string, string | true][] = [];
  if (agreed.serverNoContextTakeover) parameters.push([SERVER_NO_TAKEOVER, true]);
  if (agreed.clientNoContextTakeover) parameters.push([CLIENT_NO_TAKEOVER, true]);
  if (agreed.serverMaxWindowBits < MOST_BITS) parameters.push([SERVER_BITS, String(agreed.serverMaxWindowBits)]);
  return parameters;
}
