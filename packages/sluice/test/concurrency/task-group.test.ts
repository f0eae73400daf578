import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { nextTurn } from "../../src/concurrency/clock.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { sleep } from "../../src/concurrency/sleep.js";
import { TaskGroup } from "../../src/concurrency/task-group.js";

const clock = new ManualClock();

/** Runs until its signal aborts, notes that, and rejects with the reason. */
function untilAborted(notes: string[], name: string) {
  return async (signal: AbortSignal): Promise<never> => {
    try {
      await sleep(Number.POSITIVE_INFINITY, { signal, clock });
    } finally {
      await nextTurn();
      notes.push(`${name} ended`);
    }
    throw new Error("unreachable");
  };
}

describe("TaskGroup", () => {
  test("the end of the scope waits for every task, those spawned by tasks included", async () => {
    const notes: string[] = [];
    {
      await using group = new TaskGroup();
      void group.spawn(async () => {
        await nextTurn();
        void group.spawn(async () => {
          await nextTurn();
          notes.push("child");
        });
        notes.push("parent");
      });
      expect(group.running).toBe(1);
    }
    expect(notes).toEqual(["parent", "child"]);
  });

  test("spawn gives the task's own result", async () => {
    await using group = new TaskGroup();
    expect(await group.spawn(() => "plain")).toBe("plain");
    expect(await group.spawn(async () => 7)).toBe(7);
  });

  test("the first failure aborts the others, and the group rejects with that very error when all have ended", async () => {
    const notes: string[] = [];
    const error = new Error("first");
    const group = new TaskGroup();
    void group.spawn(untilAborted(notes, "a"));
    void group.spawn(untilAborted(notes, "b"));
    const failing = group.spawn(async () => {
      await nextTurn();
      throw error;
    });
    await expect(group.close()).rejects.toBe(error);
    await expect(failing).rejects.toBe(error);
    expect(notes).toEqual(["a ended", "b ended"]);
    expect(group.failures).toEqual([error]);
    expect(group.signal.reason).toMatchObject({ code: "task/sibling-failed", cause: error });
  });

  test("later failures of their own are kept beside the first; a throw counts as a failure", async () => {
    const group = new TaskGroup();
    void group.spawn(() => {
      throw new Error("first");
    });
    await nextTurn();
    const after = group.spawn(() => "not called");
    await expect(after).rejects.toBe(group.signal.reason);
    const second = new TaskGroup();
    void second.spawn(async (signal) => {
      await sleep(Number.POSITIVE_INFINITY, { signal, clock }).catch(() => undefined);
      throw new Error("while ending");
    });
    void second.spawn(async () => {
      throw new Error("first");
    });
    await expect(group.close()).rejects.toThrow("first");
    await expect(second.close()).rejects.toThrow("first");
    expect(group.failures).toHaveLength(1);
    expect(second.failures).toEqual([new Error("first"), new Error("while ending")]);
  });

  test("nothing can be spawned into a group that has ended", async () => {
    const idle = new TaskGroup();
    await idle.close();
    expect(() => idle.spawn(() => 1)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "task-group/closed" }),
    );
    const busy = new TaskGroup();
    void busy.spawn(() => nextTurn());
    const closing = busy.close();
    const late = busy.spawn(() => "the group still runs");
    await closing;
    expect(await late).toBe("the group still runs");
    expect(() => busy.spawn(() => 1)).toThrow(expect.objectContaining({ code: "task-group/closed" }));
    expect(busy.close()).toBe(closing);
  });

  test("cancelling ends the tasks and is no failure; a task that fails for a reason of its own is one", async () => {
    const notes: string[] = [];
    const group = new TaskGroup();
    void group.spawn(untilAborted(notes, "a"));
    group.cancel();
    await group.close();
    expect(notes).toEqual(["a ended"]);
    expect(group.signal.reason).toMatchObject({ name: "AbortError" });
    expect(() => group.spawn(() => 1)).toThrow(expect.objectContaining({ code: "task-group/closed" }));

    const failing = new TaskGroup();
    void failing.spawn(async (signal) => {
      await sleep(Number.POSITIVE_INFINITY, { signal, clock }).catch(() => undefined);
      throw new Error("could not clean up");
    });
    failing.cancel("own reason");
    expect(failing.signal.reason).toBe("own reason");
    await expect(failing.close()).rejects.toThrow("could not clean up");
  });

  test("the signal it was given aborts the tasks, and the group rejects with that reason", async () => {
    const notes: string[] = [];
    const parent = new AbortController();
    const group = new TaskGroup({ signal: parent.signal });
    void group.spawn(untilAborted(notes, "a"));
    void group.spawn(untilAborted(notes, "b"));
    const closing = group.close();
    parent.abort("given up");
    await expect(closing).rejects.toBe("given up");
    expect(notes).toEqual(["a ended", "b ended"]);
    expect(getEventListeners(parent.signal, "abort")).toHaveLength(0);

    const late = new TaskGroup({ signal: parent.signal });
    await expect(late.spawn(() => "not called")).rejects.toBe("given up");
    await expect(late.close()).rejects.toBe("given up");
    await new TaskGroup({ signal: parent.signal }).close();
  });

  test("an abort that came after a failure or a cancel changes nothing", async () => {
    const parent = new AbortController();
    const notes: string[] = [];
    const group = new TaskGroup({ signal: parent.signal });
    void group.spawn(untilAborted(notes, "a"));
    group.cancel();
    parent.abort("too late");
    await group.close();
    expect(notes).toEqual(["a ended"]);
  });

  test("leaves no listener on the signal it was given when all went well", async () => {
    const parent = new AbortController();
    const group = new TaskGroup({ signal: parent.signal });
    void group.spawn(() => nextTurn());
    expect(getEventListeners(parent.signal, "abort")).toHaveLength(1);
    await group.close();
    expect(getEventListeners(parent.signal, "abort")).toHaveLength(0);
  });

  test("a hundred tasks listening to the group's signal bring no warning from Node", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    const group = new TaskGroup();
    for (let task = 0; task < 100; task += 1) {
      void group.spawn(
        (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      );
    }
    group.cancel();
    await group.close();
    await nextTurn();
    process.removeListener("warning", note);
    expect(warnings).toEqual([]);
  });
});

describe("TaskGroup.run", () => {
  test("gives what its body gave, after all tasks have ended", async () => {
    const notes: string[] = [];
    const result = await TaskGroup.run(async (group) => {
      void group.spawn(async () => {
        await nextTurn();
        notes.push("task");
      });
      return "result";
    });
    expect([result, ...notes]).toEqual(["result", "task"]);
  });

  test("a body that throws aborts the tasks instead of waiting for them", async () => {
    const notes: string[] = [];
    const running = TaskGroup.run(async (group) => {
      void group.spawn(untilAborted(notes, "a"));
      throw new Error("body failed");
    });
    await expect(running).rejects.toThrow("body failed");
    expect(notes).toEqual(["a ended"]);
  });

  test("rejects with the reason when its body ended by being cancelled", async () => {
    const running = TaskGroup.run(async (group) => {
      group.cancel("enough");
      group.signal.throwIfAborted();
    });
    await expect(running).rejects.toBe("enough");
  });
});
