/**
 * The handshake of one connection, on the client's side (RFC 6455 §4.1): fields with a key of its own for each send, and the judgement
 * of the 101 that answers it.
 */
import { PeerError, ProtocolError } from "../../errors.js";
import { HttpHeaders } from "../../http/headers.js";
import type { FieldLines } from "../../http1/sinks.js";
import { sha1 } from "../../platform/digest.js";
import { randomOctets } from "../../platform/random.js";
import {
  handshakeKey,
  readUpgradeAnswer,
  type UpgradeWishes,
  upgradeRequestFields,
} from "../../websocket/client-handshake.js";
import { formatExtension } from "../../websocket/extensions.js";
import { acceptValue } from "../../websocket/handshake-fields.js";
import type { UpgradeOffer } from "../../wire/link-exchange.js";
import type { SocketSettings } from "./websocket-options.js";

/** RFC 6455 §4.1, item 7. */
const KEY_OCTETS = 16;

/** What a server has agreed to. */
export interface AgreedSocket {
  /** The sub-protocol; undefined for none. */
  readonly protocol: string | undefined;
  /** As the server named them; empty for none. */
  readonly extensions: string;
}

/** See the head of this file. */
export class ClientHandshake implements UpgradeOffer {
  readonly fields: FieldLines;
  readonly #wishes: UpgradeWishes;
  #agreed: AgreedSocket | undefined;

  constructor({ protocols }: SocketSettings) {
    this.#wishes = { key: handshakeKey(randomOctets(KEY_OCTETS)), protocols };
    this.fields = upgradeRequestFields(this.#wishes);
  }

  /** Undefined until {@link faultOf} has found nothing wrong. */
  get agreed(): AgreedSocket | undefined {
    return this.#agreed;
  }

  faultOf(fields: FieldLines): Error | undefined {
    try {
      const headers = HttpHeaders.fromFields(fields, { immutable: true });
      const { protocol, extensions } = readUpgradeAnswer(headers, acceptValue(this.#wishes.key, sha1), this.#wishes);
      this.#agreed = { protocol, extensions: extensions.map(formatExtension).join(", ") };
      return undefined;
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      return new ProtocolError(error.code, error.message, { cause: error, phase: "headers" });
    }
  }
}
