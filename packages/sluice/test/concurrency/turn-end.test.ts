import { expect, test } from "vitest";
import { atTurnEnd, nextTurn } from "../../src/concurrency/clock.js";

test("what is to be done at the end of a turn is done once, in order, after its microtasks", async () => {
  const seen: string[] = [];
  atTurnEnd({ turnOver: () => seen.push("first") });
  atTurnEnd({ turnOver: () => seen.push("second") });
  await Promise.resolve();
  expect(seen).toEqual([]);
  await nextTurn();
  await nextTurn();
  expect(seen).toEqual(["first", "second"]);
});

test("what is asked for at the end of a turn is done at the end of the next", async () => {
  const seen: string[] = [];
  atTurnEnd({
    turnOver() {
      seen.push("outer");
      atTurnEnd({ turnOver: () => seen.push("inner") });
    },
  });
  await nextTurn();
  expect(seen).toEqual(["outer"]);
  await nextTurn();
  expect(seen).toEqual(["outer", "inner"]);
});

test("a task that throws stops no other, and is the process's uncaught exception", async () => {
  const seen: unknown[] = [];
  const uncaught = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", (error) => seen.push(error));
  const fault = new Error("a fault");
  atTurnEnd({
    turnOver() {
      throw fault;
    },
  });
  atTurnEnd({ turnOver: () => seen.push("the next") });
  await nextTurn();
  await nextTurn();
  for (const listener of uncaught) process.on("uncaughtException", listener);
  expect(seen).toEqual(["the next", fault]);
});
