import { describe, expect, test } from "vitest";
import { ConnectError, TlsError } from "../../src/errors.js";
import { addressRefused, connectError } from "../../src/net/connect-error.js";
import { listenError } from "../../src/net/listen-error.js";
import { handshakeError } from "../../src/net/tls-error.js";

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

describe("the error for a connection that could not be made", () => {
  test.each([
    ["EMFILE", "connect/too-many-files"],
    ["ENFILE", "connect/too-many-files"],
    ["ECONNREFUSED", "connect/refused"],
    ["ECONNRESET", "connect/reset"],
    ["ETIMEDOUT", "connect/timed-out"],
    ["EACCES", "connect/not-permitted"],
    ["EPERM", "connect/not-permitted"],
    ["ENOENT", "connect/no-such-socket"],
    ["EADDRNOTAVAIL", "connect/no-local-address"],
    ["EHOSTUNREACH", "connect/unreachable"],
    ["ENETUNREACH", "connect/unreachable"],
    ["EHOSTDOWN", "connect/unreachable"],
    ["EPROTONOSUPPORT", "connect/failed"],
  ])("from %s has the code %s, and the cause", (system, code) => {
    const cause = systemError(system);
    const error = connectError("a.example:80", [cause]);
    expect(error).toMatchObject({ code, cause, causes: [cause], phase: "connect" });
    expect(error.message).toMatch(/^Cannot connect to a\.example:80: .*[^.]$/);
    expect(error.message).not.toContain("tried");
  });

  test("of several failures the most telling one counts", () => {
    const unreachable = systemError("ENETUNREACH");
    const refused = systemError("ECONNREFUSED");
    const tooMany = systemError("EMFILE");
    const forbidden = addressRefused("a.example", "10.0.0.1");
    const strange = new Error("strange");
    const code = (...failures: readonly Error[]) => connectError("a.example:80", failures).code;
    expect(code(unreachable, refused)).toBe("connect/refused");
    expect(code(refused, tooMany, unreachable)).toBe("connect/too-many-files");
    expect(code(forbidden, unreachable)).toBe("connect/unreachable");
    expect(code(forbidden, addressRefused("a.example", "10.0.0.2"))).toBe("connect/address-refused");
    expect(code(strange, unreachable)).toBe("connect/unreachable");
    expect(code(strange)).toBe("connect/failed");
    const error = connectError("a.example:80", [unreachable, refused, forbidden]);
    expect(error).toBeInstanceOf(ConnectError);
    expect([error.cause, error.causes]).toEqual([refused, [unreachable, refused, forbidden]]);
    expect(error.message).toContain("(3 addresses tried)");
  });
});

describe("the error for a handshake that failed", () => {
  test.each([
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls/not-tls"],
    ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "tls/protocol-version"],
    ["ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "tls/no-application-protocol"],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "tls/client-certificate"],
    ["ECONNRESET", "tls/closed"],
    ["ERR_SSL_SOMETHING_ELSE", "tls/handshake-failed"],
  ])("from %s has the code %s", (system, code) => {
    const cause = systemError(system);
    const error = handshakeError(cause, "a.example:443");
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ code, cause, phase: "tls" });
    expect(error.message).toMatch(/^Cannot agree on TLS with a\.example:443: /);
  });
});

describe("the error for an address that cannot be bound", () => {
  test("names the place, and quotes what it does not know", () => {
    const onConnection = () => undefined;
    expect(listenError(systemError("EACCES"), { port: 80, onConnection })).toMatchObject({
      code: "listen/not-permitted",
      message: "Cannot listen on *:80: the system does not permit it to this user",
    });
    expect(listenError(new Error("strange"), { path: "/run/s", onConnection })).toMatchObject({
      code: "listen/failed",
      message: "Cannot listen on /run/s: strange",
    });
    expect(listenError("thrown text", { port: 1, host: "::1", onConnection }).message).toContain("thrown text");
  });
});
