import { expect, test } from "vitest";
import * as testing from "../src/testing.js";

test("sluice/testing has servers and clients for tests, answers, connections and whole networks in memory, a clock that stands still, and nothing else", () => {
  expect(Object.keys(testing).sort()).toEqual([
    "ManualClock",
    "MockConnector",
    "ScriptedTransport",
    "SimulatedNetwork",
    "TestServer",
    "memoryPair",
    "testClient",
  ]);
});
