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
import type { ResolvedDeflateOptions } from "../../websocket/deflate-options.js";
import { type Extension, formatExtension } from "../../websocket/extensions.js";
import { acceptValue } from "../../websocket/handshake-fields.js";
import { agreeDeflate, type DeflateAgreement, offerDeflate } from "../../websocket/permessage-deflate.js";
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
  /** Undefined: nothing is compressed. */
  readonly deflate: DeflateAgreement | undefined;
}

/** See the head of this file. */
export class ClientHandshake implements UpgradeOffer {
  readonly fields: FieldLines;
  readonly #wishes: UpgradeWishes;
  readonly #compress: ResolvedDeflateOptions | undefined;
  #agreed: AgreedSocket | undefined;

  constructor({ protocols, compress }: SocketSettings) {
    const extensions = compress === undefined ? [] : [offerDeflate(compress)];
    this.#compress = compress;
    this.#wishes = { key: handshakeKey(randomOctets(KEY_OCTETS)), protocols, extensions };
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
      const deflate = this.#deflateOf(extensions[0]);
      this.#agreed = { protocol, extensions: extensions.map(formatExtension).join(", "), deflate };
      return undefined;
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      return new ProtocolError(error.code, error.message, { cause: error, phase: "headers" });
    }
  }

  /** `answer`: what was agreed to of the one extension that is ever offered. */
  #deflateOf(answer: Extension | undefined): DeflateAgreement | undefined {
    if (answer === undefined || this.#compress === undefined) return undefined;
    const agreement = agreeDeflate(answer, this.#compress);
    if (agreement !== undefined) return agreement;
    throw new PeerError(
      "websocket/extension-unexpected",
      "Cannot open the WebSocket: the server answers the offer to compress with what was not offered (RFC 7692 §7.1)",
    );
  }
}
