/**
 * What went wrong with TLS, in words a person can act on: whose certificate it was, who signed it, what to do. Codes of
 * certificate failures begin with `tls/certificate-`.
 */

import type { PeerCertificate, TLSSocket } from "node:tls";
import { TlsError } from "../errors.js";
import { errorCodeOf } from "./error-code.js";

const UNKNOWN_ISSUER =
  "it is signed by {issuer}, which is not trusted; give that authority's certificate as `ca` if it should be";
/** What a person needs to see which certificate it was, whatever is wrong with it. */
const FACTS = " (for {names}; signed by {issuer}; valid from {from} to {to})";

/** What OpenSSL says of a certificate → our code and explanation, in which the certificate's facts are filled in. */
const CERTIFICATE_FAULTS: Readonly<Record<string, readonly [code: string, explanation: string]>> = {
  CERT_HAS_EXPIRED: ["expired", "it expired on {to}; its owner must renew it, unless this machine's clock is wrong"],
  CERT_NOT_YET_VALID: ["not-yet-valid", "it is not valid before {from}; perhaps this machine's clock is wrong"],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "name-mismatch",
    "it is for {names}, not for {name}; set `servername` if that is right",
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "self-signed",
    "it is signed by itself; give it as `ca` to trust it, or its `fingerprint`",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: ["untrusted", UNKNOWN_ISSUER],
  UNABLE_TO_GET_ISSUER_CERT: ["untrusted", UNKNOWN_ISSUER],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["untrusted", UNKNOWN_ISSUER],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["untrusted", UNKNOWN_ISSUER],
  CERT_REVOKED: ["revoked", "it was revoked by {issuer}"],
};

/** Failures of the handshake itself → our code and explanation. Alerts are the peer's words (RFC 8446 §6.2). */
const HANDSHAKE_FAULTS: Readonly<Record<string, readonly [code: string, explanation: string]>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: ["not-tls", "the answer is not TLS; perhaps the port speaks plain HTTP"],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ["not-tls", "the answer is not TLS; perhaps the port speaks plain HTTP"],
  ERR_SSL_HTTP_REQUEST: ["not-tls", "the answer is not TLS; perhaps the port speaks plain HTTP"],
  ERR_SSL_UNSUPPORTED_PROTOCOL: ["protocol-version", "no TLS version in common; see `minVersion`"],
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: ["protocol-version", "no TLS version in common; see `minVersion`"],
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: ["protocol-version", "the server refused our TLS versions; see `minVersion`"],
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: [
    "no-application-protocol",
    "the server speaks none of the offered protocols",
  ],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [
    "client-certificate",
    "the server asks for a client certificate: `cert`, `key`",
  ],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: ["client-certificate", "the server refused our certificate"],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: ["client-certificate", "the server does not trust the authority of our certificate"],
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: ["unrecognized-name", "the server knows no such name"],
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: ["handshake-failed", "the server found no cipher or certificate in common"],
  ECONNRESET: ["closed", "the server closed the connection during the handshake"],
};

/** The certificate shown by a connected but unauthorized `socket` cannot be trusted for `name`; `place` is host:port. */
export function untrustedError(socket: TLSSocket, name: string, place: string): TlsError {
  const fault: unknown = socket.authorizationError; // Node's documentation says Error; it is a code, or a text without one
  const reason = typeof fault === "string" ? fault : (errorCodeOf(fault) ?? String(fault));
  const [code, explanation] = CERTIFICATE_FAULTS[reason] ?? ["invalid", `OpenSSL says ${reason}`];
  const certificate = socket.getPeerCertificate();
  const message = `Cannot trust ${place}: the certificate of ${ownerOf(certificate)} is refused: `;
  const cause = Object.assign(new Error(`Certificate verification failed: ${reason}`), { code: reason });
  return new TlsError(`tls/certificate-${code}`, message + fillIn(explanation + FACTS, certificate, name), {
    cause,
    phase: "tls",
  });
}

/** The certificate shown by `place` is not pinned; `actual` says what it is. */
export function notPinnedError(socket: TLSSocket, place: string, actual: string): TlsError {
  const certificate = socket.getPeerCertificate();
  const message = `Cannot trust ${place}: the certificate of ${ownerOf(certificate)} is none of those pinned: ${actual}`;
  return new TlsError("tls/fingerprint-mismatch", `${message}${fillIn(FACTS, certificate, "")}; see tls.fingerprint`, {
    phase: "tls",
  });
}

/** The handshake with `place` ended in `cause`. */
export function handshakeError(cause: Error, place: string): TlsError {
  const [code, explanation] = HANDSHAKE_FAULTS[errorCodeOf(cause) ?? ""] ?? ["handshake-failed", cause.message];
  return new TlsError(`tls/${code}`, `Cannot agree on TLS with ${place}: ${explanation}`, { cause, phase: "tls" });
}

function fillIn(explanation: string, certificate: PeerCertificate, name: string): string {
  const facts: Readonly<Record<string, string>> = {
    issuer: printable(certificate.issuer?.CN ?? certificate.issuer?.O ?? "an unnamed authority"),
    names: printable(certificate.subjectaltname ?? certificate.subject?.CN ?? "no name"),
    from: printable(certificate.valid_from ?? "an unknown day"),
    to: printable(certificate.valid_to ?? "an unknown day"),
    name,
  };
  return explanation.replace(/\{(\w+)\}/g, (whole, fact: string) => facts[fact] ?? whole);
}

function ownerOf(certificate: PeerCertificate): string {
  return printable(certificate.subject?.CN ?? certificate.subjectaltname ?? "an unnamed owner");
}

/** The peer wrote these texts: no control characters into logs, and no more than a line of it. */
function printable(text: string | readonly string[]): string {
  const line = String(text).replace(/[^\x20-\x7e]/g, "?");
  return line.length <= MOST_QUOTED_CHARACTERS ? line : `${line.slice(0, MOST_QUOTED_CHARACTERS)}…`;
}

const MOST_QUOTED_CHARACTERS = 200;
