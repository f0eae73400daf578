import { describe, expect, test } from "vitest";
import { CLOSE_CODES, mayBeReceived, mayBeSent } from "../../src/websocket/close-codes.js";
import {
  CLIENT_WEBSOCKET_LIMITS,
  resolveWebSocketLimits,
  SERVER_WEBSOCKET_LIMITS,
} from "../../src/websocket/limits.js";

describe("limits of messages", () => {
  test("are smaller for strangers than for servers one has chosen", () => {
    expect(resolveWebSocketLimits({}, SERVER_WEBSOCKET_LIMITS)).toEqual({ maxMessageSize: 1_048_576 });
    expect(resolveWebSocketLimits({}, CLIENT_WEBSOCKET_LIMITS)).toEqual({ maxMessageSize: 16_777_216 });
  });

  test("are 1 to Infinity", () => {
    for (const maxMessageSize of [1, Number.POSITIVE_INFINITY]) {
      expect(resolveWebSocketLimits({ maxMessageSize }, SERVER_WEBSOCKET_LIMITS)).toEqual({ maxMessageSize });
    }
    for (const maxMessageSize of [0, -1, Number.NaN, "1"]) {
      expect(() =>
        resolveWebSocketLimits({ maxMessageSize: maxMessageSize as number }, SERVER_WEBSOCKET_LIMITS),
      ).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
    }
  });
});

describe("close codes", () => {
  test("those that stand for what never was on the wire are never sent", () => {
    const never: number[] = [CLOSE_CODES.NO_STATUS, CLOSE_CODES.ABNORMAL];
    for (const code of Object.values(CLOSE_CODES)) {
      expect([mayBeSent(code), mayBeReceived(code)]).toEqual([!never.includes(code), !never.includes(code)]);
    }
  });

  test("are whole numbers from 1000 on that somebody may use", () => {
    for (const code of [999, 1000.5, 1015, 1016, 2999, 5000, Number.NaN, -1]) expect(mayBeSent(code)).toBe(false);
    for (const code of [3000, 3999, 4000, 4999]) expect(mayBeSent(code)).toBe(true);
  });
});
