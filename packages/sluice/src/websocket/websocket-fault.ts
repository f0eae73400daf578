import { PeerError } from "../errors.js";

/** A frame that a peer must not send. The connection fails with {@link WebSocketFault.closeCode} (RFC 6455 §7.1.7). */
export class WebSocketFault extends PeerError {
  static override readonly kind: string = "WebSocketFault";
  /** What to tell the peer: 1002 (protocol error), 1007 (invalid payload) or 1009 (too big). */
  readonly closeCode: number;

  constructor(code: string, message: string, closeCode: number) {
    super(code, message);
    this.closeCode = closeCode;
  }
}
