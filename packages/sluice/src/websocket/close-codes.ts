/** Why a WebSocket connection ended: the codes of RFC 6455 §7.4.1 and of the IANA registry that it founded. */

/** The codes that have a meaning for everybody. */
export const CLOSE_CODES = Object.freeze({
  /** The purpose is fulfilled. */
  NORMAL: 1000,
  /** The server goes down, or the page was left. */
  GOING_AWAY: 1001,
  /** The peer broke the protocol. */
  PROTOCOL_ERROR: 1002,
  /** A kind of data that the endpoint does not take. */
  UNSUPPORTED_DATA: 1003,
  /** Never on the wire: the peer's close frame had no code. */
  NO_STATUS: 1005,
  /** Never on the wire: the connection ended without a close frame. */
  ABNORMAL: 1006,
  /** Content that is not what its type says, such as text that is not UTF-8. */
  INVALID_PAYLOAD: 1007,
  /** The endpoint does not want this message, and says no more about it. */
  POLICY: 1008,
  /** A message larger than the endpoint takes. */
  TOO_BIG: 1009,
  /** The client needs an extension that the server did not agree to. */
  MANDATORY_EXTENSION: 1010,
  /** Something happened that the endpoint did not expect. */
  INTERNAL: 1011,
  /** The server starts anew; come back after a while. */
  SERVICE_RESTART: 1012,
  /** Too much is going on; come back later. */
  TRY_AGAIN: 1013,
  /** A gateway got no good answer from behind it. */
  BAD_GATEWAY: 1014,
});

const FIRST_REGISTERED = 1000;
const LAST_REGISTERED = CLOSE_CODES.BAD_GATEWAY;
/** 1004 has no meaning; the others say what never was on the wire: no code, no close frame, no TLS (§7.4.1). */
const NEVER_SENT: ReadonlySet<number> = new Set([1004, CLOSE_CODES.NO_STATUS, CLOSE_CODES.ABNORMAL, 1015]);
/** For libraries and frameworks from 3000, for anybody from 4000 (§7.4.2). */
const FIRST_FREE = 3000;
const LAST_FREE = 4999;

/** Whether an endpoint may send a close frame with this code (§7.4). */
export function mayBeSent(code: number): boolean {
  if (!Number.isInteger(code) || NEVER_SENT.has(code)) return false;
  return (code >= FIRST_REGISTERED && code <= LAST_REGISTERED) || (code >= FIRST_FREE && code <= LAST_FREE);
}

/** Whether a peer's close frame may have this code; the same ones (§7.4.2: 1000 to 2999 are the protocol's, and those not registered reserved). */
export function mayBeReceived(code: number): boolean {
  return mayBeSent(code);
}
