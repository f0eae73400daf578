import { describe, expect, test } from "vitest";
import { takenBy } from "../src/transfer/programs.js";

const node = (text: string): Promise<Awaited<ReturnType<typeof takenBy>>> =>
  takenBy(undefined, process.execPath, ["-e", text]);

describe("what a program takes", () => {
  test("its output, its time, the CPU time of all of it, and its peak of memory", async () => {
    const busy = "const until = Date.now() + 400; while (Date.now() < until); ";
    const { output, wall, cpu, peak } = await node(
      `const held = Buffer.alloc(2e8, 1); ${busy} console.log(held.length)`,
    );
    expect(output).toBe("200000000\n");
    expect(wall).toBeGreaterThan(390);
    if (process.platform !== "linux") return;
    expect(cpu).toBeGreaterThan(20);
    expect(peak).toBeGreaterThan(200);
    expect(peak).toBeLessThan(500);
  });

  test("one that fails is an error, by its status or its signal", async () => {
    await expect(node("process.exit(3)")).rejects.toThrow("ended with 3");
    await expect(node("process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 1e4)")).rejects.toThrow("SIGTERM");
  });
});
