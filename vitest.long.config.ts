/** The long tier: soaks, fuzzing, difference tests. `npm run test:long`. One file at a time: they measure memory and time. */
import { defineConfig } from "vitest/config";
import { LONG_INCLUDE, NEVER, shared } from "./vitest.shared.js";

export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: LONG_INCLUDE,
    exclude: NEVER,
    fileParallelism: false,
    execArgv: ["--expose-gc"],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
