import { expect, test } from "vitest";

const LEAST = [20, 19] as const;

test("the tests run on a Node that the package supports, and say which", () => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

  // .ci/run looks for this line to be sure that each tier ran on the Node it was meant for.
  console.log(`this test runs on Node ${process.version}`);
  expect(major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])).toBe(true);
});
