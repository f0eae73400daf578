/**
 * What the quick and the long tier have in common. Tests run from the TypeScript sources: the names that packages export
 * are mapped to the files they are compiled from, so that no test sees an old build. Tests that start a process of their
 * own use the compiled `dist`, which `npm test` brings up to date first.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ViteUserConfig } from "vitest/config";

const ROOT = fileURLToPath(new URL(".", import.meta.url)).replace(/\/$/, "");

interface Alias {
  readonly find: RegExp;
  readonly replacement: string;
}

/** `sluice/server` → `packages/sluice/src/server.ts`, for each `exports` entry of each package. */
function sourceAliases(): Alias[] {
  const aliases: Alias[] = [];
  for (const folder of readdirSync(`${ROOT}/packages`)) {
    const manifestPath = `${ROOT}/packages/${folder}/package.json`;
    if (!existsSync(manifestPath)) continue;
    const manifest: unknown = JSON.parse(readFileSync(manifestPath, "utf8"));
    const { name, exports = {} } = manifest as {
      name: string;
      exports?: Record<string, { types?: string } | string>;
    };
    for (const [subpath, target] of Object.entries(exports)) {
      const built = typeof target === "string" ? undefined : target.types;
      if (built === undefined || !built.startsWith("./dist/")) continue;
      const source = built.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts");
      const specifier = `${name}${subpath.slice(1)}`.replaceAll("/", "\\/");
      aliases.push({ find: new RegExp(`^${specifier}$`), replacement: `${ROOT}/packages/${folder}/${source}` });
    }
  }
  return aliases;
}

export const QUICK_INCLUDE = ["**/test/**/*.test.ts", "scripts/test/**/*.test.mjs"];
export const LONG_INCLUDE = ["**/test/**/*.long.test.ts"];
export const NEVER = ["**/node_modules/**", "**/dist/**", "**/.cache/**"];

export const shared = {
  resolve: {
    alias: [...sourceAliases(), { find: /^fast-check$/, replacement: `${ROOT}/scripts/vitest/fast-check.mjs` }],
  },
  test: {
    include: QUICK_INCLUDE,
    exclude: [...NEVER, ...LONG_INCLUDE],
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default", `${ROOT}/scripts/vitest/tally.mjs`],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    // What is polled for comes, or the test fails: a second, as it is by default, says how fast the machine is.
    expect: { poll: { timeout: 15_000, interval: 50 } },
    passWithNoTests: false,
    // An unhandled rejection anywhere is a failure, as it is in production.
    dangerouslyIgnoreUnhandledErrors: false,
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "json-summary", "html"],
      reportsDirectory: "coverage",
    },
  },
} satisfies ViteUserConfig;
