import { describe, expect, test } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import {
  AddressRace,
  type AttemptOutcome,
  interleaveFamilies,
  type ResolvedAddress,
} from "../../src/net/happy-eyeballs.js";

function ips(...literals: readonly string[]): readonly ResolvedAddress[] {
  return literals.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

/** A race whose attempts do nothing by themselves: the test settles them. Everything is logged with its time. */
class Track {
  readonly clock = new ManualClock();
  readonly log: string[] = [];
  readonly outcomes = new Map<string, AttemptOutcome<string>>();
  failures: readonly Error[] | undefined;
  readonly race: AddressRace<string>;

  constructor(addresses: readonly string[], delayMs: number, failAtOnce: readonly string[] = []) {
    this.race = new AddressRace<string>({
      clock: this.clock,
      delayMs,
      addresses: ips(...addresses),
      start: ({ address }, outcome) => {
        this.#note(`start ${address}`);
        if (failAtOnce.includes(address)) outcome(new Error(address), undefined);
        else this.outcomes.set(address, outcome);
        return { abandon: () => this.#note(`abandon ${address}`) };
      },
      done: (winner, failures) => {
        this.failures = failures;
        this.#note(winner === undefined ? "lost" : `won ${winner}`);
      },
    });
    this.race.begin();
  }

  fail(address: string): void {
    this.outcomes.get(address)?.(new Error(address), undefined);
  }

  connect(address: string): void {
    this.outcomes.get(address)?.(undefined, address);
  }

  #note(text: string): void {
    this.log.push(`${this.clock.now()} ${text}`);
  }
}

describe("race of addresses", () => {
  test("one address that connects wins, and no timer is left", () => {
    const track = new Track(["192.0.2.1"], 250);
    track.connect("192.0.2.1");
    expect(track.log).toEqual(["0 start 192.0.2.1", "0 won 192.0.2.1"]);
    expect(track.clock.armedCount).toBe(0);
  });

  test("the next address starts after the delay, beside the first; the loser is abandoned", () => {
    const track = new Track(["2001:db8::1", "192.0.2.1", "192.0.2.2"], 250);
    track.clock.advance(249);
    expect(track.log).toHaveLength(1);
    track.clock.advance(1);
    track.connect("192.0.2.1");
    expect(track.log).toEqual([
      "0 start 2001:db8::1",
      "250 start 192.0.2.1",
      "250 abandon 2001:db8::1",
      "250 won 192.0.2.1",
    ]);
    track.clock.advance(10_000);
    expect(track.log).toHaveLength(4);
    expect(track.clock.armedCount).toBe(0);
  });

  test("the first address may still win after the second has started", () => {
    const track = new Track(["2001:db8::1", "192.0.2.1"], 250);
    track.clock.advance(300);
    track.connect("2001:db8::1");
    expect(track.log.slice(2)).toEqual(["300 abandon 192.0.2.1", "300 won 2001:db8::1"]);
  });

  test("a failure starts the next address at once, and the delay anew", () => {
    const track = new Track(["192.0.2.1", "192.0.2.2", "192.0.2.3"], 250);
    track.clock.advance(100);
    track.fail("192.0.2.1");
    track.clock.advance(249);
    expect(track.log).toEqual(["0 start 192.0.2.1", "100 start 192.0.2.2"]);
    track.clock.advance(1);
    expect(track.log.at(-1)).toBe("350 start 192.0.2.3");
  });

  test("when all fail, every failure is told in its order", () => {
    const track = new Track(["192.0.2.1", "192.0.2.2"], 250);
    track.clock.advance(250);
    track.fail("192.0.2.2");
    expect(track.failures).toBeUndefined();
    track.fail("192.0.2.1");
    expect(track.log.at(-1)).toBe("250 lost");
    expect(track.failures?.map(({ message }) => message)).toEqual(["192.0.2.2", "192.0.2.1"]);
    expect(track.clock.armedCount).toBe(0);
  });

  test("an infinite delay tries one after the other", () => {
    const track = new Track(["192.0.2.1", "192.0.2.2"], Number.POSITIVE_INFINITY);
    track.clock.advance(1_000_000);
    expect(track.log).toEqual(["0 start 192.0.2.1"]);
    track.fail("192.0.2.1");
    expect(track.log.at(-1)).toBe("1000000 start 192.0.2.2");
  });

  test("a delay of zero tries all at once", () => {
    const track = new Track(["192.0.2.1", "192.0.2.2", "192.0.2.3"], 0);
    track.clock.advance(1);
    expect(track.log.filter((line) => line.includes("start"))).toHaveLength(3);
  });

  test("addresses that fail within the call are passed over, ten thousand of them too", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `2001:db8::${index.toString(16)}`);
    const track = new Track([...many, "192.0.2.1"], 250, many);
    track.connect("192.0.2.1");
    expect(track.log.at(-1)).toBe("0 won 192.0.2.1");
    const lost = new Track(many, 250, many);
    expect(lost.failures).toHaveLength(10_000);
    expect(lost.clock.armedCount).toBe(0);
  });

  test("no address at all is lost at once", () => {
    expect(new Track([], 250).log).toEqual(["0 lost"]);
  });

  test("cancel abandons what runs and tells nothing more", () => {
    const track = new Track(["192.0.2.1", "192.0.2.2", "192.0.2.3"], 250);
    track.clock.advance(250);
    track.race.cancel();
    track.connect("192.0.2.1");
    track.fail("192.0.2.2");
    track.clock.advance(1000);
    expect(track.log.slice(2)).toEqual(["250 abandon 192.0.2.1", "250 abandon 192.0.2.2"]);
    expect(track.clock.armedCount).toBe(0);
  });

  test("an attempt that reports twice is heard once", () => {
    const track = new Track(["192.0.2.1", "192.0.2.2"], 250);
    track.fail("192.0.2.1");
    track.fail("192.0.2.1");
    track.fail("192.0.2.2");
    expect(track.failures).toHaveLength(2);
  });

  test("an attempt that wins within its start ends the race", () => {
    const log: string[] = [];
    const race = new AddressRace<string>({
      clock: new ManualClock(),
      delayMs: 250,
      addresses: ips("192.0.2.1", "192.0.2.2"),
      start: ({ address }, outcome) => {
        log.push(address);
        outcome(undefined, address);
        return { abandon: () => log.push("abandon") };
      },
      done: (winner) => log.push(`won ${winner}`),
    });
    race.begin();
    expect(log).toEqual(["192.0.2.1", "won 192.0.2.1"]);
  });

  test("a race cancelled while an attempt starts abandons that one too", () => {
    const log: string[] = [];
    const race: AddressRace<string> = new AddressRace<string>({
      clock: new ManualClock(),
      delayMs: 250,
      addresses: ips("192.0.2.1", "192.0.2.2"),
      start: ({ address }) => {
        race.cancel();
        return { abandon: () => log.push(`abandon ${address}`) };
      },
      done: () => log.push("done"),
    });
    race.begin();
    expect(log).toEqual(["abandon 192.0.2.1"]);
  });
});

describe("interleaving of families (RFC 8305 §4)", () => {
  test("families alternate, beginning with the one the resolver put first", () => {
    const sorted = ips("2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2");
    expect(interleaveFamilies(sorted).map(({ address }) => address)).toEqual([
      "2001:db8::1",
      "192.0.2.1",
      "2001:db8::2",
      "192.0.2.2",
      "2001:db8::3",
    ]);
    const ipv4First = ips("192.0.2.1", "2001:db8::1", "2001:db8::2");
    expect(interleaveFamilies(ipv4First).map(({ address }) => address)).toEqual([
      "192.0.2.1",
      "2001:db8::1",
      "2001:db8::2",
    ]);
  });

  test("one family, or none, stays as it is", () => {
    const one = ips("192.0.2.1", "192.0.2.2");
    expect(interleaveFamilies(one)).toEqual(one);
    expect(interleaveFamilies([])).toEqual([]);
  });
});
