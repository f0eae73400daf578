/**
 * From a request to a socket (RFC 6455 §4.2): what is no valid handshake is an ordinary answer that says why, in the order of what costs
 * least to find out; the route's own hook is asked last. Loaded with the first handshake.
 */

import { type MessageCompression, messageCompression } from "../../body/messages/message-coding.js";
import type { Clock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { HttpHeaders } from "../../http/headers.js";
import type { FieldLines } from "../../http1/sinks.js";
import { sha1 } from "../../platform/digest.js";
import { DEFLATE_DEFAULTS } from "../../websocket/deflate-options.js";
import { formatExtension } from "../../websocket/extensions.js";
import { acceptValue } from "../../websocket/handshake-fields.js";
import { acceptDeflate, type DeflateAgreement } from "../../websocket/permessage-deflate.js";
import { upgradeAnswerFields, type WebSocketRequest } from "../../websocket/server-handshake.js";
import type { WebSocketSetup } from "../../wire/websocket/open-websocket.js";
import { Reply } from "../reply.js";
import { ServerRequest } from "../request/server-request.js";
import { Conversation } from "./conversation.js";
import { readHandshake } from "./read-handshake.js";
import type { UpgradeResult, UpgradeTerms } from "./upgrade-hook.js";
import { UpgradeReply } from "./upgrade-reply.js";
import type { WebSocketTerms } from "./websocket-options.js";
import type { AnyWebSocketHandler, WebSocketHandler } from "./websocket-route.js";

/** Fields of a 101 that the handshake writes, or that no 101 has. */
const OWN_FIELDS = /^(?:upgrade|connection|sec-websocket-.*|content-length|transfer-encoding)$/;
const RESULT_MEMBERS: ReadonlySet<string> = new Set<keyof UpgradeTerms>(["data", "protocol", "headers"]);

/** Answers a request to a route of sockets: 101, or what it deserves instead. Rejects with `HttpError`, and what the hook throws. */
export async function answerHandshake(
  request: ServerRequest,
  terms: WebSocketTerms,
  handler: AnyWebSocketHandler,
): Promise<Reply> {
  const asked = readHandshake(request);
  await terms.checkOrigin?.(request);
  terms.admission.check(request);

  const chosen = asked.protocols.find((protocol) => terms.protocols.has(protocol));
  const result = await terms.upgrade?.(request as ServerRequest<never>, {
    protocols: asked.protocols,
    protocol: chosen,
  });
  if (result instanceof Reply) return result;
  const { data, headers, protocol = chosen } = checkResult(result, asked);

  const deflate = terms.deflate === undefined ? undefined : acceptDeflate(asked.extensions, terms.deflate);
  const extensions = deflate === undefined ? [] : [deflate.answer];
  const fields = upgradeAnswerFields({ accept: acceptValue(asked.key, sha1), protocol, extensions });
  const setup = setupOf(terms, ServerRequest.behind(request).surroundings.clock, {
    protocol,
    extensions: extensions.map(formatExtension).join(", "),
    compression: deflate === undefined ? undefined : compressionFor(deflate.agreement, terms),
  });
  const converse = handler as WebSocketHandler<Readonly<Record<string, string>>, unknown>;
  const conversation = new Conversation(request, terms.admission, { setup, handler: converse, data });
  const made = new UpgradeReply([...withoutConnection(fields), ...ownFields(headers)], conversation);
  return made.whenTaken(() => conversation.enter());
}

type Agreed = Pick<WebSocketSetup, "protocol" | "extensions" | "compression">;

/** Of sockets about which nothing was agreed; one for all of a route. */
const plainSetups = new WeakMap<WebSocketTerms, WebSocketSetup>();

function setupOf(terms: WebSocketTerms, clock: Clock, agreed: Agreed): WebSocketSetup {
  const isPlain = agreed.protocol === undefined && agreed.compression === undefined;
  const known = isPlain ? plainSetups.get(terms) : undefined;
  if (known !== undefined) return known;
  const setup: WebSocketSetup = { role: "server", options: terms.connection, clock, ...agreed };
  if (isPlain) plainSetups.set(terms, setup);
  return setup;
}

function compressionFor(agreement: DeflateAgreement, { deflate, connection }: WebSocketTerms): MessageCompression {
  const { level, threshold } = deflate ?? DEFLATE_DEFAULTS;
  return messageCompression(agreement, { role: "server", level, threshold, maxMessageSize: connection.maxMessageSize });
}

/** What the hook returned, if it can be used. Throws `UsageError`. */
function checkResult(result: UpgradeResult, { protocols }: WebSocketRequest): UpgradeTerms {
  if (result === undefined) return {};
  const known =
    typeof result === "object" && result !== null && Object.keys(result).every((key) => RESULT_MEMBERS.has(key));
  if (!known) {
    const message = "Cannot upgrade: the upgrade hook is to return data, protocol or headers, a Reply, or nothing";
    throw new UsageError("websocket/upgrade-result", message);
  }
  const { protocol } = result as UpgradeTerms;
  if (protocol === undefined || protocols.includes(protocol)) return result as UpgradeTerms;
  const message = `Cannot upgrade to the sub-protocol ${JSON.stringify(protocol)}: the client has not offered it`;
  throw new UsageError("websocket/upgrade-result", message);
}

/** The connection writes `Connection: Upgrade` itself. */
function withoutConnection(fields: FieldLines): string[] {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] !== "Connection") kept.push(fields[at] ?? "", fields[at + 1] ?? "");
  }
  return kept;
}

/** What the hook adds. Throws `UsageError` for a field that it has no say in. */
function ownFields(headers: UpgradeTerms["headers"]): FieldLines {
  if (headers === undefined) return [];
  const { raw } = new HttpHeaders(headers);
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? "";
    if (!OWN_FIELDS.test(name.toLowerCase())) continue;
    throw new UsageError("websocket/upgrade-result", `Cannot answer with a field ${name}: it is the handshake's own`);
  }
  return raw;
}
