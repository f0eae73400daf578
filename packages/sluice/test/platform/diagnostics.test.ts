import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { diagnosticsChannel } from "../../src/platform/diagnostics.js";

test("subscribers of node:diagnostics_channel hear what is published, and make hasSubscribers true", () => {
  const channel = diagnosticsChannel<{ readonly id: number }>("sluice:test:heard");
  const heard: unknown[] = [];
  const listener = (message: unknown) => heard.push(message);
  expect(channel.hasSubscribers).toBe(false);
  channel.publish({ id: 1 });
  subscribe("sluice:test:heard", listener);
  expect(channel.hasSubscribers).toBe(true);
  channel.publish({ id: 2 });
  unsubscribe("sluice:test:heard", listener);
  expect(channel.hasSubscribers).toBe(false);
  channel.publish({ id: 3 });
  expect(heard).toEqual([{ id: 2 }]);
});

test("a channel is the same whoever asks for it", () => {
  expect(diagnosticsChannel("sluice:test:same")).toBe(diagnosticsChannel("sluice:test:same"));
});
