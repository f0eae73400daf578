/**
 * What the origin is told about the client: `Forwarded` (RFC 7239 §4) or the `X-Forwarded-…` fields, which have no standard.
 *
 * Whoever asks may have written such fields himself. They are continued only where the application's `trustProxy` says that the peer
 * is a proxy which sets this very field; otherwise what is sent begins with the peer. In every case the last entry is ours.
 */

import { plainAddress } from "../http/ip-range.js";
import { joinField } from "../server/field-lookup.js";
import type { RequestOrigin } from "../server/request/request-parts.js";
import { ServerRequest } from "../server/request/server-request.js";
import type { ForwardingField } from "../server/trust-proxy.js";

/** Which fields are written. */
export type ForwardedForm = "x-forwarded" | "forwarded" | "both" | "none";

/** What one element of `Forwarded` says. */
interface Hop {
  readonly address: string | undefined;
  readonly host: string;
  readonly proto: string;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether a field, named in lower case, says who the client is: those of the request never travel as they are. */
export function isForwardingField(name: string): boolean {
  return name === "forwarded" || name === "x-real-ip" || name.startsWith("x-forwarded-");
}

/** The fields for `request`: name, value, name, value. */
export function forwardingFields(request: ServerRequest<unknown>, form: ForwardedForm, prefix: string): string[] {
  if (form === "none") return [];
  const origin = ServerRequest.behind(request);
  const { remoteAddress } = origin.exchange.peer();
  const peer = remoteAddress === undefined ? undefined : withoutZone(plainAddress(remoteAddress));
  const fields: string[] = [];
  if (form !== "x-forwarded") fields.push("Forwarded", forwarded(request, origin, peer));
  if (form === "forwarded") return fields;
  const chain = [received(origin, "x-forwarded-for") ?? clientBefore(request, peer), peer];
  const addresses = chain.filter((address) => address !== undefined);
  if (addresses.length > 0) fields.push("X-Forwarded-For", addresses.join(", "));
  fields.push("X-Forwarded-Proto", request.protocol);
  if (request.host !== "") fields.push("X-Forwarded-Host", request.host);
  if (prefix !== "") fields.push("X-Forwarded-Prefix", prefix);
  return fields;
}

function forwarded(request: ServerRequest<unknown>, origin: RequestOrigin, peer: string | undefined): string {
  const { exchange } = origin;
  const host = joinField(exchange.fields, "host") ?? "";
  const own = element({ address: peer, host, proto: exchange.secure ? "https" : "http" });
  const earlier = received(origin, "forwarded");
  if (earlier !== undefined) return `${earlier}, ${own}`;
  const client = clientBefore(request, peer);
  if (client === undefined) return own;
  // A trusted proxy told of it in the other form.
  return `${element({ address: client, host: request.host, proto: request.protocol })}, ${own}`;
}

/** A field as the peer set it, if that is one to be believed. */
function received({ exchange, surroundings }: RequestOrigin, field: ForwardingField): string | undefined {
  const { trust } = surroundings;
  if (trust?.believes(field) !== true || !trust.isTrusted(exchange.peer().remoteAddress)) return undefined;
  const list = joinField(exchange.fields, field);
  return list === "" ? undefined : list;
}

/** The client, where a trusted proxy stands between it and us. */
function clientBefore(request: ServerRequest<unknown>, peer: string | undefined): string | undefined {
  const client = request.remoteAddress === undefined ? undefined : withoutZone(request.remoteAddress);
  return client === peer ? undefined : client;
}

function element({ address, host, proto }: Hop): string {
  const node = address === undefined ? "unknown" : address.includes(":") ? `[${address}]` : address;
  const named = host === "" ? "" : `;host=${quotedUnlessToken(host)}`;
  return `for=${quotedUnlessToken(node)}${named};proto=${proto}`;
}

/** A host has no quotation mark or backslash (RFC 3986 §3.2.2): nothing in it needs an escape. */
function quotedUnlessToken(text: string): string {
  return TOKEN.test(text) ? text : `"${text}"`;
}

/** `fe80::1%eth0` names an interface of this machine, which is nobody else's business. */
function withoutZone(address: string): string {
  const zone = address.indexOf("%");
  return zone === -1 ? address : address.slice(0, zone);
}
