import { expect, test } from "vitest";
import * as testing from "../src/testing.js";

test("sluice/testing has answers and connections without a network and a clock that stands still, and nothing else", () => {
  expect(Object.keys(testing).sort()).toEqual(["ManualClock", "MockConnector", "ScriptedTransport", "memoryPair"]);
});
