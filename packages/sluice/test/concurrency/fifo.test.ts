import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fifo, type FifoNode } from "../../src/concurrency/fifo.js";

describe("Fifo", () => {
  test("gives values in the order they came, and undefined when empty", () => {
    const fifo = new Fifo<string>();
    expect(fifo.shift()).toBeUndefined();
    expect(fifo.peek()).toBeUndefined();
    fifo.push("a");
    fifo.push("b");
    expect(fifo.peek()).toBe("a");
    expect([fifo.shift(), fifo.shift(), fifo.shift()]).toEqual(["a", "b", undefined]);
    expect(fifo.size).toBe(0);
  });

  test("a value can leave once, from the queue it is in", () => {
    const fifo = new Fifo<string>();
    const other = new Fifo<string>();
    const node = fifo.push("a");
    expect(other.remove(node)).toBe(false);
    expect(fifo.remove(node)).toBe(true);
    expect(fifo.remove(node)).toBe(false);
    const shifted = fifo.push("b");
    fifo.shift();
    expect(fifo.remove(shifted)).toBe(false);
    expect(fifo.size).toBe(0);
  });

  test("behaves as an array does under any sequence of push, shift and remove", () => {
    const action = fc.oneof(
      fc.constant({ do: "push" as const, at: 0 }),
      fc.constant({ do: "shift" as const, at: 0 }),
      fc.nat(20).map((at) => ({ do: "remove" as const, at })),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const fifo = new Fifo<number>();
        const nodes: FifoNode<number>[] = [];
        let model: number[] = [];
        for (const [value, { do: kind, at }] of actions.entries()) {
          if (kind === "push") {
            nodes.push(fifo.push(value));
            model.push(value);
          } else if (kind === "shift") {
            expect(fifo.shift()).toBe(model.shift());
          } else {
            const node = nodes[at];
            if (node === undefined) continue;
            expect(fifo.remove(node)).toBe(model.includes(node.value));
            model = model.filter((entry) => entry !== node.value);
          }
          expect([...fifo]).toEqual(model);
          expect(fifo.size).toBe(model.length);
        }
      }),
    );
  });
});
