import { describe, expect, it } from "vitest";
import { Inbox, type Taker } from "../../../src/wire/websocket/inbox.js";

class Noting implements Taker<string> {
  nextTaker: Taker<string> | undefined = undefined;
  readonly told: string[] = [];
  give(message: string): void {
    this.told.push(message);
  }
  end(): void {
    this.told.push("end");
  }
}

describe("inbox", () => {
  it("keeps messages in order however puts and takes mix, and counts what they cost", () => {
    const box = new Inbox<string>();
    let put = 0;
    let taken = 0;
    for (let round = 0; round < 300; round += 1) {
      for (let count = 0; count < round % 7; count += 1) box.push(`m${put++}`);
      for (let count = 0; count < round % 5; count += 1) {
        const message = box.take();
        if (message !== undefined) expect(message).toBe(`m${taken++}`);
      }
      expect(box.size).toBe(put - taken);
    }
    while (box.size > 0) expect(box.take()).toBe(`m${taken++}`);
    expect(box.cost).toBe(0);
    expect(box.take()).toBeUndefined();
  });

  it("counts 64 bytes for each besides its own", () => {
    const box = new Inbox<string>();
    box.push("");
    box.push("abc");
    expect(box.cost).toBe(131);
  });

  it("lets who waits leave from any place, and tells the others of the end", () => {
    const box = new Inbox<string>();
    const takers = [new Noting(), new Noting(), new Noting(), new Noting()];
    for (const taker of takers) box.wait(taker);
    const [first, second, third, fourth] = takers as [Noting, Noting, Noting, Noting];
    box.leave(third);
    box.leave(first);
    box.leave(first);
    expect(box.awaited).toBe(true);
    box.push("a");
    box.end();
    expect(box.awaited).toBe(false);
    expect(takers.map(({ told }) => told)).toEqual([[], ["a"], [], ["end"]]);
    expect([second.nextTaker, fourth.nextTaker]).toEqual([undefined, undefined]);
  });
});
