/**
 * WebSockets through the proxy: the handshake goes on to the origin with the client's own key, version, sub-protocols and extensions, and
 * what the origin answers with 101 is passed back if it is an answer to that (RFC 6455 §4.1, §4.2): then the two connections are joined.
 * Any other answer is an ordinary one. Nothing is tunnelled on the word of the client alone, nor on a 101 that it did not ask for.
 */

import type { ForwardAsk } from "../../client/forward-ask.js";
import type { ClientResponse } from "../../client/response.js";
import type { ClientSession } from "../../client/session.js";
import type { TakenConnection } from "../../client/upgraded-connection.js";
import { PeerError, ProtocolError } from "../../errors.js";
import { HttpHeaders } from "../../http/headers.js";
import type { FieldLines } from "../../http1/sinks.js";
import { sha1 } from "../../platform/digest.js";
import type { Reply } from "../../server/reply.js";
import type { ServerRequest } from "../../server/request/server-request.js";
import { Admission } from "../../server/websocket/admission.js";
import { readHandshake } from "../../server/websocket/read-handshake.js";
import { UpgradeReply } from "../../server/websocket/upgrade-reply.js";
import { readUpgradeAnswer } from "../../websocket/client-handshake.js";
import { acceptValue } from "../../websocket/handshake-fields.js";
import type { WebSocketRequest } from "../../websocket/server-handshake.js";
import { upstreamFailure } from "../upstream-failure.js";
import { Joining } from "./joining.js";
import type { ResolvedTunnelOptions } from "./tunnel-options.js";

type UpgradeMaker = NonNullable<ForwardAsk["upgrade"]>;

const UPGRADE: FieldLines = ["Upgrade", "websocket", "Connection", "Upgrade"];

/** What an upgrade needs of the proxy that passes it on. */
export interface UpgradeHop {
  send(upgrade: UpgradeMaker): Promise<ClientResponse>;
  /** The fields of an answer, as they travel on. */
  fieldsOf(response: ClientResponse): FieldLines;
  /** An answer that is none to an upgrade. */
  replyOf(response: ClientResponse): Reply;
}

/** Passes the upgrades of one proxy on. */
export class UpgradePasser {
  readonly #options: ResolvedTunnelOptions;
  readonly #session: ClientSession;
  readonly #admission: Admission;

  constructor(options: ResolvedTunnelOptions, session: ClientSession) {
    this.#options = options;
    this.#session = session;
    this.#admission = new Admission(options);
  }

  /** The answer to a handshake. Throws `HttpError` for what is none, and when there are too many sockets; and what sending throws. */
  async pass(request: ServerRequest<unknown>, hop: UpgradeHop): Promise<Reply> {
    const asked = readHandshake(request);
    this.#admission.check(request);
    const release = this.#reserve();
    try {
      const response = await hop.send(() => ({ fields: UPGRADE, faultOf: (fields) => faultOf(fields, asked) }));
      const origin = response.source.takeUpgraded?.();
      if (origin !== undefined) return this.#join(request, hop.fieldsOf(response), origin, release);
      release();
      return hop.replyOf(response);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** A place among the upgraded connections of the session's connector. */
  #reserve(): () => void {
    try {
      return this.#session.reserveUpgraded();
    } catch (error) {
      throw upstreamFailure(error);
    }
  }

  /** The answer to the client, whose connection is joined with what the origin's 101 has left; `release` is called at the end. */
  #join(request: ServerRequest<unknown>, fields: FieldLines, origin: TakenConnection, release: () => void): Reply {
    const { closing } = this.#session;
    const { idleTimeout } = this.#options;
    const joining = new Joining(request, { origin, release, admission: this.#admission, closing, idleTimeout });
    return new UpgradeReply([...fields, "Upgrade", "websocket"], joining).whenTaken(() => joining.enter());
  }
}

/** RFC 6455 §4.1: what a client would not accept from its server, it is not given. */
function faultOf(fields: FieldLines, { key, protocols, extensions }: WebSocketRequest): Error | undefined {
  try {
    const headers = HttpHeaders.fromFields(fields, { immutable: true });
    readUpgradeAnswer(headers, acceptValue(key, sha1), { key, protocols, extensions });
    return undefined;
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    return new ProtocolError(error.code, error.message, { cause: error, phase: "headers" });
  }
}
